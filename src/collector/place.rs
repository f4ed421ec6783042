//! Where a fleet is kept: a file in the data folder, or a database server; and the site's key, which is kept beside it.
//!
//! Made by `config`, used by `serve` and by the commands beside it.
#![expect(clippy::disallowed_methods, reason = "the collector's own folder, not a scanned host's")]

use std::fmt;
use std::fs::OpenOptions;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::admin::{create_own, is_of_another, make_folder, write_secret};
use super::auth::new_id;
use super::command::Failure;
use super::store::postgres::{Address, Postgres};
use super::store::sqlite::Sqlite;
use super::store::{Store, StoreError};

/// The database, in the data folder.
const DATABASE: &str = "fleet.sqlite";
/// The key of the site's pseudonyms, in the data folder and not in the database: who has a copy of that alone can tell nobody's
/// name by trying names.
const SITE_KEY: &str = "site-key";
/// Under which the fleet notes the digest of its key: every collector over it must have the same one.
const SITE_KEY_MARK: &str = "site-key";

/// Where a fleet is kept.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// The folder of files.
    pub(super) data: PathBuf,
    kind: Kind,
    site_key: PathBuf,
}

#[derive(Debug, Clone)]
enum Kind {
    Sqlite(PathBuf),
    Postgres(Box<Address>, u32),
}

impl Place {
    /// The usual file in a folder, or a server with at most so many connections.
    pub(super) fn new(data: PathBuf, server: Option<(Address, u32)>, site_key: Option<PathBuf>) -> Self {
        let kind = match server {
            Some((address, connections)) => Kind::Postgres(Box::new(address), connections),
            None => Kind::Sqlite(data.join(DATABASE)),
        };
        let site_key = site_key.unwrap_or_else(|| data.join(SITE_KEY));
        Self { data, kind, site_key }
    }

    /// The file, where it is one.
    pub(super) fn file(&self) -> Option<&Path> {
        match &self.kind {
            Kind::Sqlite(path) => Some(path),
            Kind::Postgres(..) => None,
        }
    }

    /// What a store says, with where it is.
    pub(super) fn fault(&self) -> impl Fn(StoreError) -> Failure {
        let at = self.to_string();
        move |cause| Failure::Store { at: at.clone(), cause }
    }

    /// Opens the database, and makes its file where that is asked for.
    pub(super) async fn open(&self, make: bool) -> Result<Arc<dyn Store>, Failure> {
        match &self.kind {
            Kind::Sqlite(path) => self.open_file(path, make).await,
            Kind::Postgres(address, connections) => {
                if make {
                    self.make_folder()?;
                }
                let store = Postgres::open(address, *connections).await.map_err(self.fault())?;
                Ok(Arc::new(store))
            }
        }
    }

    fn make_folder(&self) -> Result<(), Failure> {
        make_folder(&self.data).map_err(|cause| Failure::Folder { path: self.data.clone(), cause })?;
        if is_of_another(&self.data) { Err(Failure::Owner(self.data.clone())) } else { Ok(()) }
    }

    async fn open_file(&self, path: &Path, make: bool) -> Result<Arc<dyn Store>, Failure> {
        if !make && !path.exists() {
            return Err(Failure::NoDatabase(self.data.clone()));
        }
        self.make_folder()?;
        if !path.exists() {
            // Made here, so that it is nobody else's to read; what the database makes beside it is as it is.
            create_own(path).map_err(|cause| Failure::Folder { path: path.to_owned(), cause })?;
        }
        // Asked of the system, which says why; SQLite says only that it cannot.
        let writes = OpenOptions::new().append(true).open(path);
        drop(writes.map_err(|cause| Failure::Write { path: path.to_owned(), cause })?);
        let store = Sqlite::open(path).await.map_err(self.fault())?;
        Ok(Arc::new(store))
    }

    /// The key by which every endpoint of the fleet makes pseudonyms of users: 64 hexadecimal digits, made once. The fleet notes
    /// its digest: a collector with another key would call the same users otherwise, and none that has lost it makes one unasked.
    pub(super) async fn site_key(&self, store: &dyn Store, anew: bool) -> Result<String, Failure> {
        let path = &self.site_key;
        let there = match std::fs::read_to_string(path) {
            Ok(_) if anew => None,
            Ok(text) => {
                let key = text.trim().to_owned();
                let whole = key.len() == 64 && key.bytes().all(|byte| byte.is_ascii_hexdigit());
                Some(whole.then_some(key).ok_or_else(|| Failure::SiteKey(path.clone()))?)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(cause) => return Err(Failure::Folder { path: path.clone(), cause }),
        };
        let had = there.is_some();
        let key = if let Some(key) = there {
            key
        } else {
            let [one, other] = [new_id()?, new_id()?];
            let key = format!("{one}{other}");
            // Written before it holds: a start that ends between the two is made good by the next one.
            write_secret(path, &key).map_err(|cause| Failure::Write { path: path.clone(), cause })?;
            key
        };
        let digest = Sha256::digest(format!("site key {}", key.to_ascii_lowercase()));
        let noted = store.mark(SITE_KEY_MARK, &digest, anew).await.map_err(self.fault())?;
        if noted == digest.to_vec() {
            return Ok(key);
        }
        if had {
            return Err(Failure::OtherSiteKey { path: path.clone(), at: self.to_string() });
        }
        let _gone = std::fs::remove_file(path);
        Err(Failure::NoSiteKey { path: path.clone(), at: self.to_string() })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Sqlite(path) => path.display().fmt(f),
            Kind::Postgres(address, _) => address.fmt(f),
        }
    }
}
