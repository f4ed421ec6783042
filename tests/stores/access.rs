//! Who may speak.

use interdict::collector::store::{
    Bearer, Credential, Enrolment, NewHost, Refused, Role, SecretHash, Standing,
};
use interdict::model::Stamp;

use crate::machine::{DAY, Fleet, at, id, secret};

fn credential(name: &str, role: Option<Role>, expires: Option<Stamp>) -> Credential {
    Credential { name: name.to_owned(), role, created: at(0), expires, revoked: None, used: None }
}

pub async fn secrets_and_tokens(fleet: Fleet) {
    let store = &*fleet.store;
    let add = async |name: &str, role, expires, hash: SecretHash| {
        store.add_credential(&credential(name, role, expires), hash).await.unwrap()
    };
    assert!(add("enrol", None, Some(at(DAY)), secret("s")).await);
    assert!(add("ada", Some(Role::Admin), None, secret("a")).await);
    assert!(!add("ada", Some(Role::Viewer), None, secret("b")).await, "a name is taken for ever");
    assert_eq!(store.bearer(secret("b"), at(1)).await.unwrap(), Err(Refused::Unknown));
    let ada = Bearer::Api { name: "ada".to_owned(), role: Role::Admin };
    assert_eq!(store.bearer(secret("a"), at(1)).await.unwrap(), Ok(ada));
    assert_eq!(store.enrolment_secret(secret("s"), at(1)).await.unwrap(), Ok("enrol".to_owned()));
    assert_eq!(store.enrolment_secret(secret("s"), at(DAY)).await.unwrap(), Err(Refused::Expired));
    // Neither does for the other.
    assert_eq!(store.enrolment_secret(secret("a"), at(1)).await.unwrap(), Err(Refused::Unknown));
    assert_eq!(store.bearer(secret("s"), at(1)).await.unwrap(), Err(Refused::Unknown));
    assert!(store.revoke("ada", at(9)).await.unwrap());
    assert!(!store.revoke("ada", at(10)).await.unwrap() && !store.revoke("eve", at(10)).await.unwrap());
    assert_eq!(store.bearer(secret("a"), at(11)).await.unwrap(), Err(Refused::Revoked));
    let listed = store.credentials().await.unwrap();
    let told: Vec<_> =
        listed.iter().map(|one| (one.name.as_str(), one.role, one.revoked, one.used)).collect();
    assert_eq!(
        told,
        [("ada", Some(Role::Admin), Some(at(9)), Some(at(1))), ("enrol", None, None, Some(at(1)))]
    );
}

fn new(host: &str, install: &str, machine: &str, token: &str) -> NewHost {
    NewHost {
        host: id(host),
        install: id(install),
        machine: id(machine),
        name: Some("PC-1".to_owned()),
        family: "linux",
        token: secret(token),
        replaces: None,
    }
}

pub async fn enrolment(fleet: Fleet) {
    let store = &*fleet.store;
    let enrol = async |new: &NewHost| store.enrol(new, at(0)).await.unwrap();
    assert_eq!(enrol(&new("one", "i", "m", "t1")).await, Enrolment::New);
    assert_eq!(store.bearer(secret("t1"), at(1)).await.unwrap(), Ok(Bearer::Host(id("one"))));
    // The answer was lost: the same machine asks again, and its first token holds no longer.
    assert_eq!(enrol(&new("two", "i", "m", "t2")).await, Enrolment::Again(id("one")));
    assert_eq!(store.bearer(secret("t1"), at(1)).await.unwrap(), Err(Refused::Revoked));
    assert_eq!(store.bearer(secret("t2"), at(1)).await.unwrap(), Ok(Bearer::Host(id("one"))));
    assert_eq!(enrol(&new("three", "i", "another machine", "t3")).await, Enrolment::Taken);
    assert_eq!(store.bearer(secret("t3"), at(1)).await.unwrap(), Err(Refused::Unknown));
    store.split(id("one"), at(2)).await.unwrap();
    assert_eq!(enrol(&new("four", "i", "m", "t4")).await, Enrolment::Taken, "two speak as it");
    let reset = NewHost { replaces: Some(id("one")), ..new("five", "i5", "m", "t5") };
    assert_eq!(enrol(&reset).await, Enrolment::New);
    assert_eq!(fleet.detail(id("one")).await.row.standing, Standing::Retired);
    // Whoever was sound stays so, whoever claims to have been it.
    let claims = NewHost { replaces: Some(id("five")), ..new("six", "i6", "m6", "t6") };
    assert_eq!(enrol(&claims).await, Enrolment::New);
    assert_eq!(fleet.detail(id("five")).await.row.standing, Standing::Sound);
}
