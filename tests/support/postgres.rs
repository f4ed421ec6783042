//! A real PostgreSQL, and pgbouncer before it, for the tests of the fleet: from the system's packages, in a folder of its own,
//! reached by a socket in that folder. It ends when the test program ends, however that ends.
#![expect(unreachable_pub, reason = "shared by test files that each use a part")]
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::panic,
    dead_code,
    reason = "each test file uses its part"
)]

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::support::skip;

/// How long a start may take on a machine that has much to do.
const START: Duration = Duration::from_mins(1);
/// The user in the database.
const USER: &str = "interdict";
/// Both stand behind a socket of a folder of their own.
const PORT: u16 = 5432;

/// Waits for its parent to end, by the end of its input; then ends what it was given to keep, by the signal that this takes at
/// once, and takes the folder away.
const KEEPER: &str = r#"
signal=$1; folder=$2; shift 2
"$@" <&- >"$folder/log" 2>&1 &
kept=$!
cat >/dev/null
kill "-$signal" "$kept" 2>/dev/null
wait "$kept"
[ -e "$folder/stays" ] || rm -rf "$folder"
"#;

/// A folder with a database server's files; the server runs, or not.
pub struct Server {
    folder: PathBuf,
    keeper: Option<Child>,
    port: u16,
}

/// The folder of the newest programs that will do.
fn programs() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").ok()?;
    let version = |entry: fs::DirEntry| entry.file_name().to_str()?.parse::<u32>().ok();
    let newest =
        versions.filter_map(Result::ok).filter_map(version).max().filter(|version| *version >= 15)?;
    Some(PathBuf::from(format!("/usr/lib/postgresql/{newest}/bin")))
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// A command as a user that a database server takes: root it refuses.
fn as_server(program: &Path) -> Vec<String> {
    let mut words = Vec::new();
    if is_root() {
        words
            .extend(["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"].map(str::to_owned));
    }
    words.push(program.to_string_lossy().into_owned());
    words
}

fn run(words: &[String]) {
    let output = Command::new(&words[0]).args(&words[1..]).stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A new folder that the server may write to.
fn folder() -> PathBuf {
    let folder = tempfile::Builder::new().prefix("interdict-pg-").tempdir_in("/tmp").unwrap().keep();
    if is_root() {
        run(&["chown".to_owned(), "postgres:".to_owned(), folder.to_string_lossy().into_owned()]);
    }
    folder
}

fn keep(signal: &str, folder: &Path, words: &[String]) -> Child {
    let mut keeper = Command::new("sh");
    keeper.args(["-c", KEEPER, "keeper", signal]).arg(folder).args(words);
    keeper.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

impl Server {
    /// A new one; none, with the reason said, where there are no programs for it.
    pub fn new(settings: &[&str]) -> Option<Self> {
        Self::on(PORT, settings)
    }

    /// One that is reached over TLS by another address too: who signed its certificate, and that address.
    pub fn over_tls() -> Option<(Self, PathBuf, String)> {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut server = Self::on(port, &[])?;
        let files = server.folder.join("tls");
        certificate(&files);
        server.crash();
        let (cert, key) = (files.join("cert.pem"), files.join("key.pem"));
        server.start(&[
            "listen_addresses=127.0.0.1",
            "ssl=on",
            &format!("ssl_cert_file={}", cert.display()),
            &format!("ssl_key_file={}", key.display()),
        ]);
        Some((server, files.join("ca.pem"), format!("{USER}@localhost:{port}")))
    }

    fn on(port: u16, settings: &[&str]) -> Option<Self> {
        let Some(programs) = programs() else {
            skip("no PostgreSQL 15 or newer; Debian's package is 'postgresql'");
            return None;
        };
        let folder = folder();
        let mut words = as_server(&programs.join("initdb"));
        let data = folder.join("data");
        words.extend(["-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync", "-U", USER].map(str::to_owned));
        words.extend(["-D".to_owned(), data.to_string_lossy().into_owned()]);
        run(&words);
        let mut server = Self { folder, keeper: None, port };
        server.start(settings);
        Some(server)
    }

    /// Starts it.
    pub fn start(&mut self, settings: &[&str]) {
        let mut words = as_server(&programs().unwrap().join("postgres"));
        words.extend(["-D".to_owned(), self.folder.join("data").to_string_lossy().into_owned()]);
        words.extend(["-k".to_owned(), self.folder.to_string_lossy().into_owned()]);
        words.extend(["-p".to_owned(), self.port.to_string()]);
        for setting in
            ["listen_addresses=", "max_connections=200", "shared_buffers=64MB"].iter().chain(settings)
        {
            words.extend(["-c".to_owned(), (*setting).to_owned()]);
        }
        let _stays = fs::remove_file(self.folder.join("stays"));
        self.keeper = Some(keep("QUIT", &self.folder, &words));
        let end = Instant::now() + START;
        while self.psql("postgres", "SELECT 1").is_err() {
            assert!(
                Instant::now() < end,
                "{}",
                fs::read_to_string(self.folder.join("log")).unwrap_or_default()
            );
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Ends it at once, as a crash does; its files stay.
    pub fn crash(&mut self) {
        fs::write(self.folder.join("stays"), "").unwrap();
        self.end();
    }

    fn end(&mut self) {
        let Some(mut keeper) = self.keeper.take() else { return };
        drop(keeper.stdin.take());
        keeper.wait().unwrap();
    }

    /// What a statement answers, columns with `|` between them.
    pub fn psql(&self, database: &str, statement: &str) -> Result<String, String> {
        let mut psql = Command::new(programs().unwrap().join("psql"));
        psql.arg("-h").arg(&self.folder).args(["-p", &self.port.to_string(), "-U", USER, "-XAtq"]);
        let output = psql.args(["-d", database, "-c", statement]).stdin(Stdio::null()).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
    }

    /// A new database; its name.
    pub fn database(&self) -> String {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("fleet_{}", NEXT.fetch_add(1, Ordering::Relaxed));
        self.psql("postgres", &format!("CREATE DATABASE {name} TEMPLATE template0")).unwrap();
        name
    }

    /// Its address for the collector.
    pub fn url(&self, database: &str) -> String {
        url(&self.folder, database)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
        let _gone = fs::remove_dir_all(&self.folder);
    }
}

/// `ca.pem`, and `cert.pem` with `key.pem` that it signed for `localhost`, all of the user that the server runs as.
fn certificate(folder: &Path) {
    fs::create_dir(folder).unwrap();
    fs::write(folder.join("extensions"), "subjectAltName=DNS:localhost\n").unwrap();
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    for line in [
        format!("req -x509 {key} -days 2 -subj /CN=authority -keyout ca.key -out ca.pem"),
        format!("req {key} -subj /CN=server -keyout key.pem -out cert.csr"),
        "x509 -req -in cert.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile extensions -out cert.pem".to_owned(),
    ] {
        let mut openssl = Command::new("openssl");
        let output = openssl.args(line.split(' ')).current_dir(folder).stdin(Stdio::null()).output().unwrap();
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    }
    if is_root() {
        run(&["chown", "-R", "postgres:", &folder.to_string_lossy()].map(str::to_owned));
    }
}

fn url(folder: &Path, database: &str) -> String {
    format!("postgres://{USER}@{}:{PORT}/{database}", folder.to_string_lossy().replace('/', "%2F"))
}

/// The one of this test program.
pub fn shared() -> Option<&'static Server> {
    static SHARED: OnceLock<Option<Server>> = OnceLock::new();
    SHARED.get_or_init(|| Server::new(&[])).as_ref()
}

/// A pgbouncer in transaction mode, with few sessions of the server for many of its clients.
pub struct Bouncer {
    folder: PathBuf,
    _keeper: Child,
}

impl Bouncer {
    /// Its address for the collector.
    pub fn url(&self, database: &str) -> String {
        url(&self.folder, database)
    }

    fn before(server: &Server) -> Option<Self> {
        let program = Path::new("/usr/sbin/pgbouncer");
        if !program.exists() {
            skip("no pgbouncer; Debian's package has that name");
            return None;
        }
        let folder = folder();
        let config = folder.join("pgbouncer.ini");
        let text = format!(
            "[databases]\n* = host={server} port={PORT} user={USER}\n[pgbouncer]\nlisten_addr =\nlisten_port = {PORT}\n\
             unix_socket_dir = {own}\nauth_type = any\npool_mode = transaction\ndefault_pool_size = 3\nmax_client_conn = 500\n",
            server = server.folder.display(),
            own = folder.display()
        );
        fs::write(&config, text).unwrap();
        let mut words = as_server(program);
        words.push(config.to_string_lossy().into_owned());
        // A shell has its children in the background pass over QUIT, and this one has no mind of its own about it.
        let keeper = keep("TERM", &folder, &words);
        let end = Instant::now() + START;
        while !folder.join(format!(".s.PGSQL.{PORT}")).exists() {
            assert!(Instant::now() < end, "{}", fs::read_to_string(folder.join("log")).unwrap_or_default());
            thread::sleep(Duration::from_millis(20));
        }
        Some(Self { folder, _keeper: keeper })
    }
}

/// The one of this test program, before its server.
pub fn bouncer() -> Option<&'static Bouncer> {
    static SHARED: OnceLock<Option<Bouncer>> = OnceLock::new();
    SHARED.get_or_init(|| Bouncer::before(shared()?)).as_ref()
}
