//! Windows disks for the tests: keys and files go in, a folder laid out as drive `C:` with real hives comes out.
//!
//! A disk is sane before anything is added: an innocent program, service and driver whose files are there, one user.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::hive::HiveBuilder;
use super::matrix::Disk;
use super::pe::{Image, image};
use super::{Root, Run};

/// A value of the registry: type and bytes.
pub type Value = (u32, Vec<u8>);

/// `REG_SZ`.
pub fn sz(text: &str) -> Value {
    (1, utf16(text))
}

/// `REG_EXPAND_SZ`.
pub fn expand(text: &str) -> Value {
    (2, utf16(text))
}

/// `REG_BINARY`.
pub fn binary(bytes: impl Into<Vec<u8>>) -> Value {
    (3, bytes.into())
}

/// `REG_DWORD`.
pub fn dword(number: u32) -> Value {
    (4, number.to_le_bytes().to_vec())
}

/// `REG_MULTI_SZ`.
pub fn multi(texts: &[&str]) -> Value {
    (7, texts.iter().flat_map(|text| utf16(text)).chain([0, 0]).collect())
}

/// `REG_QWORD`.
pub fn qword(number: u64) -> Value {
    (11, number.to_le_bytes().to_vec())
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect()
}

/// `Uninstall` below `SOFTWARE` of a machine, and below `Software` of a user.
pub const UNINSTALL: &str = r"Microsoft\Windows\CurrentVersion\Uninstall";
/// Services of the control set that is current.
pub const SERVICES: &str = r"ControlSet001\Services";
/// The list of profiles.
pub const PROFILES: &str = r"Microsoft\Windows NT\CurrentVersion\ProfileList";
/// The folder of the machine's hives.
pub const CONFIG: &str = "Windows/System32/config";
/// A catalogue of signatures; every Windows has hundreds.
pub const CATALOGUE: &str = "Windows/System32/CatRoot/{F750E6C3-38EE-11D1-85E5-00C04FC295EE}/base.cat";
/// Where winget keeps what it knows of its source, below a profile.
pub const WINGET: &str = "AppData/Local/Packages/Microsoft.DesktopAppInstaller_8wekyb3d8bbwe/LocalState/\
                          Microsoft.Winget.Source_8wekyb3d8bbwe";
/// A catalogue that lists nothing and that nobody signed: `SignedData` (RFC 2315, 9.1) around an empty trust list.
pub fn empty_catalogue() -> Vec<u8> {
    let value = |tag: u8, parts: &[&[u8]]| {
        let body = parts.concat();
        [&[tag, u8::try_from(body.len()).unwrap()], &*body].concat()
    };
    let signed_data = [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, 0x02];
    let trust_list = [0x2B, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x0A, 0x01];
    let list = value(0x30, &[&value(0x06, &[&trust_list]), &value(0xA0, &[&value(0x30, &[])])]);
    let data = value(0x30, &[&value(0x02, &[&[1]]), &value(0x31, &[]), &list, &value(0x31, &[])]);
    value(0x30, &[&value(0x06, &[&signed_data]), &value(0xA0, &[&data])])
}

/// What every machine of the tests has.
const BASE: &str = include_str!("windows.toml");

type Keys = BTreeMap<String, Vec<(String, Value)>>;

/// A disk that is being laid out.
pub struct Windows {
    root: Root,
    /// Keys by the hive's file.
    hives: BTreeMap<PathBuf, Keys>,
    users: u32,
}

impl Windows {
    /// A workstation with one user, `alice`.
    pub fn workstation() -> Self {
        let mut windows = Self { root: Root::empty(), hives: BTreeMap::new(), users: 0 };
        windows.add_text(BASE);
        for file in ["Windows/System32/ntdll.dll", "Windows/System32/svchost.exe", "Windows/explorer.exe"] {
            windows.add_file(file, program(&[("CompanyName", "Microsoft Corporation")]));
        }
        for file in [
            "Windows/System32/drivers/tcpip.sys",
            "Windows/System32/drivers/fltMgr.sys",
            "Windows/System32/SecurityHealthSystray.exe",
            "Program Files/7-Zip/7zFM.exe",
            "Program Files/Windows Defender/MsMpEng.exe",
            "Program Files (x86)/Example/example.exe",
        ] {
            windows.add_file(file, program(&[]));
        }
        for folder in ["ProgramData", "Users/Public", "Windows/Temp", "Windows/System32/Tasks"] {
            windows.root.dir(folder);
        }
        windows.add_file(CATALOGUE, empty_catalogue());
        windows.root.dir("Users/Default");
        windows.hive_at("Users/Default/NTUSER.DAT");
        windows.root.dir(format!("{CONFIG}/systemprofile"));
        windows.hive_at(&format!("{CONFIG}/DEFAULT"));
        windows.hive_at("Windows/ServiceProfiles/LocalService/NTUSER.DAT");
        windows.hive_at("Windows/ServiceProfiles/NetworkService/NTUSER.DAT");
        windows.hive_at("Windows/AppCompat/Programs/Amcache.hve");
        windows.with_user("alice")
    }

    /// A workstation under a fixture: a folder with `registry.toml`, and files below `root`.
    pub fn fixture(folder: &Path) -> Self {
        let windows = Self::workstation().text(&fs::read_to_string(folder.join("registry.toml")).unwrap());
        copy_tree(&folder.join("root"), windows.root.path());
        windows
    }

    /// One more user with a profile, who is in the list of profiles.
    pub fn with_user(mut self, name: &str) -> Self {
        self.add_user(name);
        self
    }

    /// The same for a loop. Returns the security identifier.
    pub fn add_user(&mut self, name: &str) -> String {
        self.users += 1;
        let sid = format!("S-1-5-21-1004336348-1177238915-682003330-{}", 1000 + self.users);
        let folder = format!(r"C:\Users\{name}");
        self.set("software", &format!(r"{PROFILES}\{sid}"), "ProfileImagePath", expand(&folder));
        self.root.dir(format!("Users/{name}/AppData/Local"));
        self.root.dir(format!("Users/{name}/AppData/Roaming"));
        self.hive_at(&format!("Users/{name}/NTUSER.DAT"));
        self.hive_at(&classes(name));
        self.set(&format!("user:{name}"), r"Software\Microsoft\Windows\CurrentVersion", "", sz(""));
        sid
    }

    /// A key of the hive `SOFTWARE` with values.
    pub fn software(mut self, key: &str, values: &[(&str, Value)]) -> Self {
        self.add("software", key, values);
        self
    }

    /// A key of the hive `SYSTEM` with values.
    pub fn system(mut self, key: &str, values: &[(&str, Value)]) -> Self {
        self.add("system", key, values);
        self
    }

    /// A key of a user's hive with values.
    pub fn user(mut self, name: &str, key: &str, values: &[(&str, Value)]) -> Self {
        self.add(&format!("user:{name}"), key, values);
        self
    }

    /// A key of a user's classes with values.
    pub fn classes(mut self, name: &str, key: &str, values: &[(&str, Value)]) -> Self {
        self.add(&format!("classes:{name}"), key, values);
        self
    }

    /// A key of the Amcache with values.
    pub fn amcache(mut self, key: &str, values: &[(&str, Value)]) -> Self {
        self.add("amcache", key, values);
        self
    }

    /// A file.
    pub fn file(self, path: &str, bytes: impl AsRef<[u8]>) -> Self {
        self.add_file(path, bytes);
        self
    }

    /// The same for a loop.
    pub fn add_file(&self, path: &str, bytes: impl AsRef<[u8]>) {
        self.root.file(path, bytes);
    }

    /// The same, and the key is there without values too. Hives: `software`, `system`, `amcache`, `user:NAME`,
    /// `classes:NAME`.
    pub fn add(&mut self, hive: &str, key: &str, values: &[(&str, Value)]) {
        self.keys(hive).entry(key.to_owned()).or_default();
        for (name, value) in values {
            self.set(hive, key, name, value.clone());
        }
    }

    /// One value; one of that name which is there is replaced.
    pub fn set(&mut self, hive: &str, key: &str, name: &str, value: Value) {
        let values = self.keys(hive).entry(key.to_owned()).or_default();
        values.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        values.push((name.to_owned(), value));
    }

    /// Takes a key away, with all below it.
    pub fn without(mut self, hive: &str, key: &str) -> Self {
        self.remove(hive, key);
        self
    }

    fn remove(&mut self, hive: &str, key: &str) {
        let below = format!(r"{key}\").to_lowercase();
        self.keys(hive).retain(|known, _| !format!(r"{known}\").to_lowercase().starts_with(&below));
    }

    /// Keys written as TOML: a table per hive (`software`, `system`, `amcache`, `users.NAME`, `classes.NAME`), in it a
    /// table per key, in it the values. A text is `REG_SZ` and a number `REG_DWORD`; other types are `{ expand = "" }`,
    /// `{ multi = [""] }`, `{ hex = "" }`, `{ qword = 0 }` and `{ certificate = "" }` (a blob with it, as a store keeps it).
    /// `without` lists keys of the sane disk that are not there, `programs.'path'` has version resources of executables,
    /// and `winget.NAME` what a user installed by it: id and name.
    pub fn text(mut self, text: &str) -> Self {
        self.add_text(text);
        self
    }

    fn add_text(&mut self, text: &str) {
        let table: toml::Table = text.parse().unwrap();
        for (part, below) in &table {
            match (part.as_str(), below) {
                ("without", toml::Value::Array(keys)) => self.take_away(keys),
                ("programs", toml::Value::Table(programs)) => self.add_programs(programs),
                ("winget", toml::Value::Table(users)) => self.add_installed(users),
                ("users" | "classes", toml::Value::Table(users)) => self.add_hives(part, users),
                (hive, toml::Value::Table(keys)) => self.add_table(hive, keys),
                other => panic!("{other:?}"),
            }
        }
    }

    fn take_away(&mut self, keys: &[toml::Value]) {
        for key in keys {
            let (hive, key) = key.as_str().unwrap().split_once('\\').unwrap();
            self.remove(hive, key);
        }
    }

    fn add_programs(&self, programs: &toml::Table) {
        for (path, strings) in programs {
            let strings = strings.as_table().unwrap().iter();
            let strings: Vec<_> =
                strings.map(|(name, text)| (name.as_str(), text.as_str().unwrap())).collect();
            self.add_file(path, program(&strings));
        }
    }

    fn add_installed(&self, users: &toml::Table) {
        let packages = users.iter().flat_map(|(user, packages)| {
            packages.as_table().unwrap().iter().map(move |(id, name)| (user, id, name))
        });
        for (user, id, name) in packages {
            self.add_winget(user, id, name.as_str().unwrap());
        }
    }

    fn add_hives(&mut self, part: &str, users: &toml::Table) {
        let hive = if part == "users" { "user" } else { "classes" };
        for (name, keys) in users {
            if !self.hives.contains_key(Path::new(&format!("Users/{name}/NTUSER.DAT"))) {
                self.add_user(name);
            }
            self.add_table(&format!("{hive}:{name}"), keys.as_table().unwrap());
        }
    }

    fn add_table(&mut self, hive: &str, keys: &toml::Table) {
        for (key, values) in keys {
            self.add(hive, key, &[]);
            for (name, value) in values.as_table().unwrap() {
                self.set(hive, key, name, typed(value));
            }
        }
    }

    /// A package that winget installed for a user, in winget's own record of its source (schema 1).
    pub fn add_winget(&self, user: &str, id: &str, name: &str) {
        let folder = self.root.dir(format!("Users/{user}/{WINGET}"));
        let database = rusqlite::Connection::open(folder.join("installed.db")).unwrap();
        for (table, column, text) in [
            ("ids", "id", id),
            ("names", "name", name),
            ("monikers", "moniker", ""),
            ("versions", "version", "1.0"),
            ("channels", "channel", ""),
        ] {
            let columns = format!("rowid INTEGER PRIMARY KEY, {column} TEXT NOT NULL");
            database.execute(&format!("CREATE TABLE IF NOT EXISTS {table}({columns})"), []).unwrap();
            database.execute(&format!("INSERT INTO {table}({column}) VALUES (?1)"), [text]).unwrap();
        }
        let numbers = "id INT64, name INT64, moniker INT64, version INT64, channel INT64";
        let table = format!("manifest(rowid INTEGER PRIMARY KEY, {numbers}, pathpart INT64, hash BLOB)");
        database.execute(&format!("CREATE TABLE IF NOT EXISTS {table}"), []).unwrap();
        let row = "INSERT INTO manifest(id, name, moniker, version, channel, pathpart) \
                   SELECT max(rowid), max(rowid), max(rowid), max(rowid), max(rowid), 0 FROM ids";
        database.execute(row, []).unwrap();
    }

    fn keys(&mut self, hive: &str) -> &mut Keys {
        let file = match hive.split_once(':').unwrap_or((hive, "")) {
            ("software", _) => format!("{CONFIG}/SOFTWARE"),
            ("system", _) => format!("{CONFIG}/SYSTEM"),
            ("amcache", _) => "Windows/AppCompat/Programs/Amcache.hve".to_owned(),
            ("user", name) => format!("Users/{name}/NTUSER.DAT"),
            ("classes", name) => classes(name),
            other => panic!("no hive {other:?}"),
        };
        self.hive_at(&file)
    }

    fn hive_at(&mut self, file: &str) -> &mut Keys {
        self.hives.entry(PathBuf::from(file)).or_default()
    }

    /// Writes the hives: the disk is as it will be scanned.
    pub fn build(self) -> Root {
        for (file, keys) in &self.hives {
            let hive = builder(keys).build();
            self.root.file(file, hive);
        }
        self.root
    }

    /// Builds and scans it.
    pub fn scan(self, args: &[&str]) -> Run {
        self.build().scan(args)
    }

    /// The folder before its hives are written.
    pub fn folder(&self) -> &Root {
        &self.root
    }
}

/// A hive of these keys.
pub fn builder(keys: &Keys) -> HiveBuilder {
    let mut hive = HiveBuilder::new();
    for (key, values) in keys {
        // The key is there without values too.
        hive = hive.key(key, super::hive::SOME_TIME);
        for (name, value) in values {
            hive.set(key, name, value.clone());
        }
    }
    hive
}

/// Where a user's classes are.
pub fn classes(name: &str) -> String {
    format!("Users/{name}/AppData/Local/Microsoft/Windows/UsrClass.dat")
}

/// A program with these strings in its version resource.
pub fn program(strings: &[(&str, &str)]) -> Vec<u8> {
    image(&Image { strings, version: [1, 2, 3, 4], overlay: b"" })
}

/// The description of a package of Chocolatey.
pub fn nuspec(id: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n\
         <package xmlns=\"http://schemas.microsoft.com/packaging/2010/07/nuspec.xsd\"><metadata>\n\
         <id>{id}</id><version>1.0</version><authors>somebody</authors><description>x</description>\n\
         </metadata></package>\n"
    )
}

fn typed(value: &toml::Value) -> Value {
    let number = |value: &toml::Value| value.as_integer().unwrap();
    let text = |value: &toml::Value| value.as_str().unwrap().to_owned();
    match value {
        toml::Value::String(text) => sz(text),
        toml::Value::Integer(number) => dword(u32::try_from(*number).unwrap()),
        toml::Value::Table(table) => match table.iter().next().unwrap() {
            (kind, value) if kind == "expand" => expand(&text(value)),
            (kind, value) if kind == "hex" => binary(unhex(&text(value))),
            (kind, value) if kind == "certificate" => certificate_blob(&unhex(&text(value))),
            (kind, value) if kind == "qword" => qword(number(value).cast_unsigned()),
            (kind, value) if kind == "multi" => {
                let texts: Vec<String> = value.as_array().unwrap().iter().map(text).collect();
                multi(&texts.iter().map(String::as_str).collect::<Vec<_>>())
            }
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u32> = text.chars().filter_map(|char| char.to_digit(16)).collect();
    digits.chunks(2).map(|pair| u8::try_from(pair[0] << 4 | pair[1]).unwrap()).collect()
}

/// A certificate as `SystemCertificates` keeps it: a list of properties, the certificate itself being the one of
/// number 32. <https://learn.microsoft.com/openspecs/windows_protocols/ms-gpef>
pub fn certificate_blob(der: &[u8]) -> Value {
    let mut blob = Vec::new();
    for field in [32, 1, u32::try_from(der.len()).unwrap()] {
        blob.extend(field.to_le_bytes());
    }
    blob.extend(der);
    binary(blob)
}

/// Copies a folder into another.
pub fn copy_tree(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_tree(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

impl Disk for Windows {
    fn workstation() -> Self {
        Self::workstation()
    }
    fn build(self) -> Root {
        self.build()
    }
    fn shown(path: &str) -> String {
        path.replace('/', r"\\")
    }
}
