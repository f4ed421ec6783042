//! Who may what, route by route and role by role; forms of others; sessions.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::request::Builder;
use axum::http::{Request, StatusCode, header};
use axum::response::Response;
use tower::ServiceExt as _;

use crate::collector::auth::{Kind, Token};
use crate::collector::judging::Judging;
use crate::collector::store::sqlite::Sqlite;
use crate::collector::store::{By, NewPerson, NewSession, Role, SET_UP, SignsIn, Store};
use crate::model::Stamp;

use super::{Court, Parts, ROUTES, Route, pages, password};

fn now() -> Stamp {
    Stamp::from_unix(1_800_000_000).unwrap()
}

const PASSWORD: &str = "correct horse battery";

/// A console of its own, over a real store.
struct Site {
    store: Arc<dyn Store>,
    pages: Router,
    _folder: tempfile::TempDir,
}

impl Site {
    async fn new(secure: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store: Arc<dyn Store> = Arc::new(Sqlite::open(&folder.path().join("fleet.db")).await.unwrap());
        let court = Arc::new(Court::new(Arc::clone(&store), Judging::built_in().unwrap()));
        let parts = Parts {
            store: Arc::clone(&store),
            court,
            trusted_keys: Vec::new(),
            now,
            stale_after: 7 * 86_400,
            keep_days: 396,
            secure,
            provider: None,
        };
        Self { store, pages: pages(parts), _folder: folder }
    }

    async fn person(&self, name: &str, role: Role) {
        let secret = password::hash(PASSWORD.to_owned()).await.unwrap();
        let new = NewPerson { name: name.to_owned(), role, by: SignsIn::Password(secret) };
        assert!(self.store.add_person(&new, &By { actor: "test".to_owned(), at: now() }).await.unwrap());
    }

    /// A session that has just begun, as its cookie.
    async fn session(&self, name: &str) -> String {
        let token = Token::new(Kind::Session).unwrap();
        let ends = Stamp::from_unix(now().unix() + 60).unwrap();
        self.store
            .begin_session(&NewSession { hash: token.hash(), name: name.to_owned(), ends }, now())
            .await
            .unwrap();
        token.reveal().to_owned()
    }

    async fn ask(&self, method: &str, path: &str, cookie: Option<&str>, form: Option<String>) -> Response {
        self.sent(Self::request(method, path, cookie), form).await
    }

    fn request(method: &str, path: &str, cookie: Option<&str>) -> Builder {
        let request = Request::builder().method(method.to_uppercase().as_str()).uri(path);
        match cookie {
            Some(cookie) => request.header("cookie", format!("other=1; interdict={cookie}")),
            None => request,
        }
    }

    async fn sent(&self, request: Builder, form: Option<String>) -> Response {
        let request = request.body(form.map_or(Body::empty(), Body::from)).unwrap();
        self.pages.clone().oneshot(request).await.unwrap()
    }
}

async fn text(response: Response) -> String {
    String::from_utf8(to_bytes(response.into_body(), 1 << 24).await.unwrap().to_vec()).unwrap()
}

fn place(response: &Response) -> &str {
    response.headers().get(header::LOCATION).map_or("", |place| place.to_str().unwrap())
}

/// What a form of the session says.
async fn csrf(site: &Site, cookie: &str) -> String {
    let page = text(site.ask("get", "/account", Some(cookie), None).await).await;
    page.split_once("name=\"csrf\" value=\"").unwrap().1.split_once('"').unwrap().0.to_owned()
}

#[tokio::test]
async fn every_route_for_every_role() {
    let site = Site::new(false).await;
    for role in Role::ALL {
        site.person(role.word(), *role).await;
    }
    // Somebody who stays admin, whatever a form does to the others.
    site.person("root", Role::Admin).await;
    for route in ROUTES {
        let path = route.path.replace("{id}", &"0".repeat(32)).replace("{item}", &"0".repeat(32));
        let path = path.replace("{number}", "7").replace("{name}", "nobody");
        for role in [None].into_iter().chain(Role::ALL.iter().copied().map(Some)) {
            let at = format!("{} {path} by {role:?}", route.method);
            let cookie = match role {
                Some(role) => Some(site.session(role.word()).await),
                None => None,
            };
            let form = match (&cookie, route.method) {
                (Some(cookie), "post") => Some(format!("csrf={}", csrf(&site, cookie).await)),
                _ => None,
            };
            let answer = site.ask(route.method, &path, cookie.as_deref(), form).await;
            let status = answer.status();
            let heads = ["content-security-policy", "x-frame-options", "referrer-policy"];
            assert!(heads.iter().all(|head| answer.headers().contains_key(*head)), "{at}");
            assert!(is_as_it_should(route, role, status, place(&answer)), "{at}: {status}");
        }
    }
}

/// Whether an answer is what the role of who asks deserves.
fn is_as_it_should(route: &Route, role: Option<Role>, status: StatusCode, place: &str) -> bool {
    let refused = [StatusCode::FORBIDDEN, StatusCode::UNAUTHORIZED].contains(&status);
    match (route.least, role) {
        (Some(_), None) if route.changes() => status == StatusCode::UNAUTHORIZED,
        (Some(_), None) => status == StatusCode::SEE_OTHER && place.starts_with("/sign-in?to=%2F"),
        (Some(least), Some(role)) if role < least => status == StatusCode::FORBIDDEN,
        (Some(_), Some(_)) => !refused && !status.is_server_error(),
        (None, _) => status != StatusCode::UNAUTHORIZED && !status.is_server_error(),
    }
}

#[tokio::test]
async fn nothing_changes_without_a_form_of_the_session() {
    let site = Site::new(false).await;
    site.person("admin", Role::Admin).await;
    let cookie = site.session("admin").await;
    let good = csrf(&site, &cookie).await;
    let other = csrf(&site, &site.session("admin").await).await;
    assert_ne!(good, other);
    for route in ROUTES.iter().filter(|route| route.changes() && route.least.is_some()) {
        let path =
            route.path.replace("{id}", &"0".repeat(32)).replace("{number}", "7").replace("{name}", "admin");
        for form in ["", "csrf=", &format!("csrf={other}"), &format!("CSRF={good}")] {
            let answer = site.ask(route.method, &path, Some(&cookie), Some(form.to_owned())).await;
            assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{path} {form}");
        }
        let from = Site::request(route.method, &path, Some(&cookie)).header("sec-fetch-site", "cross-site");
        let answer = site.sent(from, Some(format!("csrf={good}"))).await;
        assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{path}");
        // Nor by the address.
        let answer = site.ask("get", &format!("{path}?csrf={good}&do=remove"), Some(&cookie), None).await;
        assert!(
            answer.status() == StatusCode::METHOD_NOT_ALLOWED || answer.status() == StatusCode::OK,
            "{path}: {}",
            answer.status()
        );
    }
    assert_eq!(site.store.people().await.unwrap().len(), 1);
    assert!(
        site.store
            .audit(&crate::collector::store::AuditAsk { limit: 100, ..Default::default() })
            .await
            .unwrap()
            .rows
            .iter()
            .all(|row| row.action == "add person" || row.action == "sign in")
    );
}

#[tokio::test]
async fn a_session_begins_anew_and_ends() {
    let site = Site::new(false).await;
    site.person("ann", Role::Viewer).await;
    // What the browser had before it signed in is nobody's session afterwards.
    let planted = format!("idc_{}", "A".repeat(43));
    let form = format!("name=ann&password={}&to=/hosts?verdict=unknown", PASSWORD.replace(' ', "+"));
    let answer = site.ask("post", "/sign-in", Some(&planted), Some(form.clone())).await;
    assert_eq!((answer.status(), place(&answer)), (StatusCode::SEE_OTHER, "/hosts?verdict=unknown"));
    let set = answer.headers()[header::SET_COOKIE].to_str().unwrap().to_owned();
    assert!(
        set.contains("; HttpOnly; SameSite=Lax") && !set.contains("Secure") && !set.contains(&planted),
        "{set}"
    );
    let cookie = set.split_once('=').unwrap().1.split_once(';').unwrap().0.to_owned();
    assert_eq!(site.ask("get", "/", Some(&planted), None).await.status(), StatusCode::SEE_OTHER);
    assert_eq!(site.ask("get", "/", Some(&cookie), None).await.status(), StatusCode::OK);
    let form = format!("csrf={}", csrf(&site, &cookie).await);
    let out = site.ask("post", "/sign-out", Some(&cookie), Some(form)).await;
    assert!(out.headers()[header::SET_COOKIE].to_str().unwrap().contains("Max-Age=0"));
    assert_eq!(
        site.ask("get", "/", Some(&cookie), None).await.status(),
        StatusCode::SEE_OTHER,
        "it is over at the server"
    );
    let away = site
        .ask(
            "post",
            "/sign-in",
            None,
            Some(format!("name=ann&password={}&to=//evil.example", PASSWORD.replace(' ', "+"))),
        )
        .await;
    assert_eq!(place(&away), "/");
}

#[tokio::test]
async fn behind_tls_the_cookie_is_of_this_host_alone() {
    let site = Site::new(true).await;
    site.person("ann", Role::Viewer).await;
    let answer = site
        .ask("post", "/sign-in", None, Some(format!("name=ann&password={}", PASSWORD.replace(' ', "+"))))
        .await;
    let set = answer.headers()[header::SET_COOKIE].to_str().unwrap();
    assert!(
        set.starts_with("__Host-interdict=idc_") && set.contains("; Path=/;") && set.ends_with("; Secure"),
        "{set}"
    );
    assert!(answer.headers().contains_key(header::STRICT_TRANSPORT_SECURITY));
}

#[tokio::test]
async fn five_wrong_passwords_keep_out_and_say_nothing() {
    let site = Site::new(false).await;
    site.person("ann", Role::Viewer).await;
    let try_one = async |name: &str, given: &str| {
        let form = format!("name={name}&password={}", given.replace(' ', "+"));
        let answer = site.ask("post", "/sign-in", None, Some(form)).await;
        (answer.status(), text(answer).await)
    };
    let (status, unknown) = try_one("nobody", "wrong wrong wrong").await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    for _ in 0..5 {
        let (status, told) = try_one("ann", "wrong wrong wrong").await;
        assert_eq!((status, &told), (StatusCode::FORBIDDEN, &unknown), "as if nobody were called so");
    }
    let (status, told) = try_one("ann", PASSWORD).await;
    assert_eq!(
        (status, told),
        (StatusCode::FORBIDDEN, unknown),
        "nor does the right one say that it is right"
    );
    let people = site.store.people().await.unwrap();
    assert_eq!(people[0].locked_until.unwrap().unix(), now().unix() + 15 * 60);
    assert!(!site.store.tried("ann", true, now()).await.unwrap());
    assert_eq!(try_one("ann", PASSWORD).await.0, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn the_set_up_token_lets_one_in() {
    let site = Site::new(false).await;
    let token = Token::new(Kind::SetUp).unwrap();
    site.store.mark(SET_UP, &token.hash().0, true).await.unwrap();
    assert_eq!(place(&site.ask("get", "/sign-in", None, None).await), "/set-up");
    let form = |token: &str, name: &str, password: &str| {
        Some(format!("token={token}&name={name}&password={password}"))
    };
    let other = Token::new(Kind::SetUp).unwrap();
    for (given, name, word) in [
        (other.reveal(), "ann", "long+enough+it+is"),
        ("idu_x", "ann", "long+enough+it+is"),
        (token.reveal(), "an<n", "long+enough+it+is"),
        (token.reveal(), "ann", "short"),
    ] {
        let answer = site.ask("post", "/set-up", None, form(given, name, word)).await;
        assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{name} {word}");
    }
    let answer = site.ask("post", "/set-up", None, form(token.reveal(), "ann", "long+enough+it+is")).await;
    assert_eq!((answer.status(), place(&answer)), (StatusCode::SEE_OTHER, "/"));
    let again = site.ask("post", "/set-up", None, form(token.reveal(), "eve", "long+enough+it+is")).await;
    assert_eq!(again.status(), StatusCode::FORBIDDEN, "it is used up");
    let people = site.store.people().await.unwrap();
    assert_eq!(
        people.iter().map(|one| (one.name.as_str(), one.role)).collect::<Vec<_>>(),
        [("ann", Role::Admin)]
    );
}

#[tokio::test]
async fn the_last_admin_stays() {
    use crate::collector::store::{Changed, PersonChange};
    let site = Site::new(false).await;
    site.person("ann", Role::Admin).await;
    let by = By { actor: "test".to_owned(), at: now() };
    for change in [PersonChange::Gone, PersonChange::Disabled(true), PersonChange::Role(Role::Viewer)] {
        assert_eq!(site.store.change_person("ann", &change, &by).await.unwrap(), Changed::LastAdmin);
    }
    site.person("bob", Role::Admin).await;
    let cookie = site.session("ann").await;
    assert_eq!(site.ask("get", "/settings", Some(&cookie), None).await.status(), StatusCode::OK);
    assert_eq!(
        site.store.change_person("ann", &PersonChange::Role(Role::Viewer), &by).await.unwrap(),
        Changed::Done
    );
    assert_eq!(
        site.ask("get", "/", Some(&cookie), None).await.status(),
        StatusCode::SEE_OTHER,
        "its sessions are over"
    );
    assert_eq!(site.store.change_person("eve", &PersonChange::Gone, &by).await.unwrap(), Changed::Nobody);
}

#[tokio::test]
async fn paths_lead_nowhere_else() {
    let site = Site::new(false).await;
    site.person("ann", Role::Admin).await;
    let cookie = site.session("ann").await;
    for path in [
        "/assets/..%2f..%2fetc%2fpasswd",
        "/assets/%2e%2e",
        "/hosts/..%2f..",
        "/software/%00",
        "/rules/%0d%0aSet-Cookie:x",
        "/hosts/x",
    ] {
        let answer = site.ask("get", path, Some(&cookie), None).await;
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{path}");
        assert!(!answer.headers().contains_key(header::SET_COOKIE), "{path}");
    }
}

#[tokio::test]
async fn a_stranger_cannot_send_much() {
    let site = Site::new(false).await;
    site.person("ann", Role::Viewer).await;
    let much = || Some("x".repeat(64 << 10));
    let told = site.ask("post", "/sign-in", None, much()).await;
    assert_eq!(told.status(), StatusCode::PAYLOAD_TOO_LARGE);
    // Who may not is told so, whatever comes.
    assert_eq!(site.ask("post", "/rules", None, much()).await.status(), StatusCode::UNAUTHORIZED);
    let cookie = site.session("ann").await;
    assert_eq!(site.ask("post", "/rules", Some(&cookie), much()).await.status(), StatusCode::FORBIDDEN);
}
