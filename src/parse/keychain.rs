//! Certificates of a keychain file of macOS (`login.keychain-db`): tables of records, all numbers big-endian.
//! Format: `AppleDatabase.cpp` and `MetaRecord.h` of Apple's `libsecurity_filedb`, and
//! <https://github.com/libyal/dtformats/blob/main/documentation/MacOS%20keychain%20database%20file%20format.asciidoc>.
//!
//! Called by the source `keychains`. Must not know whose keychain it is. Certificates lie there as they are; passwords and
//! keys, which are encrypted, are never looked at.

use crate::parse::At;
use crate::parse::Fault;
use crate::parse::Parsed;
use crate::parse::bytes::be32;
use crate::parse::bytes::to_usize;
use crate::parse::x509::Certificate;

const MAGIC: &[u8] = b"kych";
/// The version that every macOS writes: 1.0.
const VERSION: u32 = 0x0001_0000;
/// `CSSM_DL_DB_RECORD_X509_CERTIFICATE`.
const CERTIFICATES: u32 = 0x8000_1000;
/// Where the values of a record's attributes are told, and how many of them a certificate has (`CertType` to
/// `PublicKeyHash`); its bytes stand behind.
const ATTRIBUTES: usize = 24;
const DATA: usize = ATTRIBUTES + 9 * 4;
/// Where a table tells its records.
const RECORDS: usize = 28;
/// Real keychains have some twenty tables.
const MAX_TABLES: usize = 1024;
/// Certificates that are read; a keychain of Apple's roots has 170.
const MAX_CERTIFICATES: usize = 10_000;

/// Certificates of a keychain. An error means that it cannot be read at all.
pub fn certificates(bytes: &[u8]) -> Result<Parsed<Certificate>, Fault> {
    let whole = |what: String| Fault::new(At::Whole, what);
    if !bytes.starts_with(MAGIC) {
        return Err(whole("not a keychain".to_owned()));
    }
    if be32(bytes, 4) != Some(VERSION) {
        return Err(whole("a keychain of an unknown version".to_owned()));
    }
    let schema = be32(bytes, 12).and_then(|at| bytes.get(to_usize(at)..));
    let (Some(schema), Some(size), Some(count)) =
        (schema, schema.and_then(|schema| be32(schema, 0)), schema.and_then(|schema| be32(schema, 4)))
    else {
        return Err(whole("its list of tables is cut".to_owned()));
    };
    let mut out = Parsed::default();
    // The list's size counts all the tables.
    let schema = schema.get(..to_usize(size)).unwrap_or_else(|| {
        out.fault(At::Whole, "its tables are cut");
        schema
    });
    let mut found = false;
    for n in 0..to_usize(count) {
        if n >= MAX_TABLES {
            out.fault(At::Whole, format!("more than {MAX_TABLES} tables"));
            break;
        }
        let table = be32(schema, 8_usize.saturating_add(n.saturating_mul(4)))
            .and_then(|at| schema.get(to_usize(at)..))
            .and_then(Table::of);
        match table {
            Some(table) if table.kind == CERTIFICATES && found => {
                out.fault(At::Whole, "a second table of certificates");
            }
            Some(table) if table.kind == CERTIFICATES => {
                found = true;
                table.read(&mut out);
            }
            Some(_) => {}
            None => out.fault(At::Record(format!("table {n}")), "is cut"),
        }
    }
    if !found && out.faults.is_empty() {
        out.fault(At::Whole, "has no table of certificates");
    }
    Ok(out)
}

/// A table, from its own start on.
struct Table<'a> {
    kind: u32,
    /// Record numbers ever given, of which some are free.
    numbers: usize,
    /// Records there are.
    count: usize,
    bytes: &'a [u8],
}

impl<'a> Table<'a> {
    fn of(bytes: &'a [u8]) -> Option<Self> {
        let bytes = bytes.get(..to_usize(be32(bytes, 0)?))?;
        let (kind, count) = (be32(bytes, 4)?, to_usize(be32(bytes, 8)?));
        Some(Self { kind, numbers: to_usize(be32(bytes, 24)?), count, bytes })
    }

    fn read(&self, out: &mut Parsed<Certificate>) {
        let mut met = 0_usize;
        for n in 0..self.numbers {
            let Some(at) = be32(self.bytes, RECORDS.saturating_add(n.saturating_mul(4))) else {
                out.fault(At::Whole, format!("a table tells {} records and holds fewer", self.numbers));
                break;
            };
            // A number that is free holds the next free one, and is odd by that.
            if at == 0 || at & 1 == 1 {
                continue;
            }
            met = met.saturating_add(1);
            if met > MAX_CERTIFICATES {
                out.fault(At::Whole, format!("more than {MAX_CERTIFICATES} certificates"));
                return;
            }
            match self.certificate(to_usize(at)) {
                Some(Ok(certificate)) => out.records.push(certificate),
                Some(Err(fault)) => out.fault(At::Record(format!("certificate {n}")), fault.what),
                None => out.fault(At::Record(format!("certificate {n}")), "is cut"),
            }
        }
        if met != self.count {
            out.fault(At::Whole, format!("{met} certificates of {}", self.count));
        }
    }

    fn certificate(&self, at: usize) -> Option<Result<Certificate, Fault>> {
        let record = self.bytes.get(at..)?;
        let record = record.get(..to_usize(be32(record, 0)?))?;
        let data = record.get(DATA..)?.get(..to_usize(be32(record, 16)?))?;
        Some(Certificate::read(data))
    }
}

#[cfg(test)]
#[path = "keychain_tests.rs"]
pub(crate) mod tests;
