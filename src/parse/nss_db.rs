//! Certificates of a database of NSS (`cert9.db` of Firefox, `~/.pki/nssdb` of Chromium): a table of `SQLite` whose columns
//! are called by the numbers of PKCS #11, `a0` being the class and `a11` the value.
//! Format: `sdb.c` and `sftkdb.c` of NSS; numbers: PKCS #11 Base 2.40, `CKO_CERTIFICATE` and `CKA_VALUE`.
//!
//! Called by the source `nss-certificates`. Must not know whose database it is. Keys lie in another file.

use std::ops::ControlFlow;

use crate::parse::At;
use crate::parse::Fault;
use crate::parse::MAX_FAULTS;
use crate::parse::Parsed;
use crate::parse::ReadAt;
use crate::parse::note;
use crate::parse::sqlite::Database;
use crate::parse::sqlite_record::Row;
use crate::parse::sqlite_record::Value;
use crate::parse::x509::Certificate;

const TABLE: &str = "nssPublic";
/// `CKO_CERTIFICATE`, as NSS stores numbers: four bytes, the largest first.
const CERTIFICATE: &[u8] = &[0, 0, 0, 1];
/// Certificates that are read: Firefox keeps some hundred that it met.
const MAX_CERTIFICATES: usize = 10_000;

/// Reads all certificates. An error means that nothing can be read.
pub fn certificates(main: &dyn ReadAt, wal: Option<&dyn ReadAt>) -> Result<Parsed<Certificate>, Fault> {
    let mut database = Database::open(main, wal)?;
    let table = database.table(TABLE).map_err(|faults| {
        faults.into_iter().next().unwrap_or_else(|| Fault::new(At::Whole, "its schema cannot be read"))
    })?;
    let columns = table.map(|table| columns(&table.sql)).unwrap_or_default();
    let place = |name: &str| columns.iter().position(|column| column == name);
    let (Some(class), Some(value)) = (place("a0"), place("a11")) else {
        return Err(Fault::new(At::Whole, "no database of NSS"));
    };
    let (mut records, mut odd) = (Vec::new(), Vec::new());
    let mut faults = database.rows(TABLE, &mut |row| {
        if blob(row, class) != Some(CERTIFICATE) {
            return ControlFlow::Continue(());
        }
        let at = || At::Record(format!("row {}", row.rowid()));
        match blob(row, value).map(Certificate::read) {
            Some(Ok(certificate)) => records.push(certificate),
            Some(Err(fault)) => note(&mut odd, at(), fault.what),
            None => note(&mut odd, at(), "a certificate without a value"),
        }
        if records.len() > MAX_CERTIFICATES {
            note(&mut odd, At::Whole, format!("more than {MAX_CERTIFICATES} certificates"));
        }
        if records.len() > MAX_CERTIFICATES || odd.len() >= MAX_FAULTS {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    });
    for fault in odd {
        note(&mut faults, fault.at, fault.what);
    }
    Ok(Parsed { records, faults })
}

fn blob<'a>(row: &Row<'a>, column: usize) -> Option<&'a [u8]> {
    match row.value(column)? {
        Value::Blob(bytes) => Some(bytes),
        Value::Text(text) => Some(text.bytes),
        _ => None,
    }
}

/// Names of the columns, in small letters: no column of NSS has a comma or a bracket in its type.
fn columns(sql: &str) -> Vec<String> {
    let body = sql.split_once('(').map(|(_, body)| body).unwrap_or_default();
    let name = |part: &str| {
        part.split_whitespace().next().unwrap_or_default().trim_matches(['"', '`', ')']).to_ascii_lowercase()
    };
    body.split(',').map(name).collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::parse::keychain::tests::CERTIFICATE as DER;
    use crate::parse::winget_db::tests::made;
    use crate::parse::x509;

    /// A database with a certificate for each value, and a trust object. The head of the schema that NSS 3.98 makes, which
    /// has a hundred columns more.
    pub(crate) fn database(values: &[Option<&[u8]>]) -> Vec<u8> {
        let row = |id: usize, class: &str, value: Option<&[u8]>| {
            let value = value.map_or_else(|| "NULL".to_owned(), |bytes| format!("x'{}'", x509::hex(bytes)));
            format!(
                "INSERT INTO nssPublic (id, a0, a1, a3, a11) VALUES ({id}, x'{class}', x'01', 'a name', {value});"
            )
        };
        let tables = "
            CREATE TABLE nssPublic (id PRIMARY KEY UNIQUE ON CONFLICT ABORT, a0, a1, a2, a3, a10, a11, a12, a80);
            CREATE INDEX issuer ON nssPublic (a80);
            CREATE INDEX subject ON nssPublic (a12);";
        let trust = row(1, "ce534353", Some(b"trust"));
        let rows: String = values.iter().zip(2..).map(|(value, id)| row(id, "00000001", *value)).collect();
        made(&format!("{tables}{trust}{rows}"))
    }

    fn read(bytes: &[u8]) -> Result<Parsed<Certificate>, Fault> {
        certificates(&bytes, None)
    }

    #[test]
    fn certificates_alone_are_read() {
        let got = read(&database(&[Some(DER), Some(DER)])).unwrap();
        assert_eq!(got.faults, []);
        let names: Vec<_> = got.records.iter().map(|one| one.subject.shown()).collect();
        assert_eq!(names, ["prohibited", "prohibited"]);
        assert_eq!(read(&database(&[])).unwrap(), Parsed::default());
    }

    #[test]
    fn one_that_is_none_hides_no_other() {
        let got = read(&database(&[Some(b"nonsense"), None, Some(DER)])).unwrap();
        assert_eq!((got.records.len(), got.faults.len()), (1, 2));
    }

    #[test]
    fn what_is_no_such_database_is_an_error() {
        assert!(read(b"").is_err());
        assert!(read(&[0xFF; 4096]).is_err());
        assert!(read(&made("CREATE TABLE nssPublic (x, y)")).is_err());
    }

    #[test]
    fn a_cut_or_broken_database_is_never_whole() {
        let sound = database(&[Some(DER)]);
        for tenth in 0..10 {
            let got = read(&sound[..sound.len() * tenth / 10]);
            assert!(got.is_err() || got.is_ok_and(|got| !got.faults.is_empty()), "{tenth} tenths");
        }
        let mut state = 7_u64;
        for _ in 0..2_000 {
            let mut bytes = sound.clone();
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let at = usize::try_from(state >> 33).unwrap() % bytes.len();
            bytes[at] ^= state.to_le_bytes()[2];
            if let Ok(got) = read(&bytes) {
                assert!(got.faults.len() <= MAX_FAULTS);
            }
        }
    }
}
