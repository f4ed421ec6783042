//! dpkg's status file and the `status.d` files of images without dpkg: installed packages.
//!
//! Format: deb-status in dpkg's `lib/dpkg/{fields,parse}.c`, syntax deb822(5). Called by the
//! sources that read dpkg. Must not know which states count as installed for a verdict.

use std::borrow::Cow;

use memchr::memchr;

use super::At;
use super::Parsed;
use super::deb822::Row;
use super::deb822::rows;
use super::text::clip;
use super::text::line_of;
use super::text::lines;
use super::text::text;

/// What the file promises about its shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The main status file: dpkg writes a `Status` and, after every stanza, an empty line;
    /// what lacks them is truncated.
    Strict,
    /// A `status.d` file: no `Status` (being there means installed), any end.
    Lenient,
}

/// What the administrator asked for: the first word of `Status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Want {
    /// `unknown`
    Unknown,
    /// `install`
    Install,
    /// `hold`
    Hold,
    /// `deinstall`
    Deinstall,
    /// `purge`
    Purge,
}

/// Whether the package is sound: the second word of `Status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flag {
    /// `ok`
    Ok,
    /// `reinstreq`
    ReinstReq,
    /// `hold`, written by dpkg before 1995
    Hold,
    /// `hold-reinstreq`, as old
    HoldReinstReq,
}

/// How far the package got: the third word of `Status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// `not-installed`
    NotInstalled,
    /// `config-files`: removed, its configuration stays.
    ConfigFiles,
    /// `half-installed`, and `removal-failed` of old dpkg
    HalfInstalled,
    /// `unpacked`
    Unpacked,
    /// `half-configured`, and `postinst-failed` of old dpkg
    HalfConfigured,
    /// `triggers-awaited`
    TriggersAwaited,
    /// `triggers-pending`
    TriggersPending,
    /// `installed`
    Installed,
}

/// The three words of `Status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status {
    /// Asked for.
    pub want: Want,
    /// Soundness.
    pub flag: Flag,
    /// Reached.
    pub state: State,
}

impl Status {
    /// What a `status.d` file means by being there.
    pub const INSTALLED: Self = Self { want: Want::Install, flag: Flag::Ok, state: State::Installed };

    /// Reads `install ok installed`; case does not matter, as in dpkg.
    pub fn read(value: &[u8]) -> Option<Self> {
        let mut words = value.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
        let status = Self {
            want: find(WANTS, words.next()?)?,
            flag: find(FLAGS, words.next()?)?,
            state: find(STATES, words.next()?)?,
        };
        words.next().is_none().then_some(status)
    }
}

const WANTS: &[(&str, Want)] = &[
    ("install", Want::Install),
    ("deinstall", Want::Deinstall),
    ("hold", Want::Hold),
    ("purge", Want::Purge),
    ("unknown", Want::Unknown),
];
const FLAGS: &[(&str, Flag)] = &[
    ("ok", Flag::Ok),
    ("reinstreq", Flag::ReinstReq),
    ("hold", Flag::Hold),
    ("hold-reinstreq", Flag::HoldReinstReq),
];
const STATES: &[(&str, State)] = &[
    ("installed", State::Installed),
    ("config-files", State::ConfigFiles),
    ("not-installed", State::NotInstalled),
    ("half-installed", State::HalfInstalled),
    ("unpacked", State::Unpacked),
    ("half-configured", State::HalfConfigured),
    ("triggers-awaited", State::TriggersAwaited),
    ("triggers-pending", State::TriggersPending),
    ("postinst-failed", State::HalfConfigured),
    ("removal-failed", State::HalfInstalled),
];

fn find<T: Copy>(table: &[(&str, T)], word: &[u8]) -> Option<T> {
    table.iter().find(|(name, _)| word.eq_ignore_ascii_case(name.as_bytes())).map(|(_, value)| *value)
}

/// One stanza. Values are bytes as they stand in the file; [`text`] makes them readable.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StatusRecord<'a> {
    /// Line of the stanza's first field, from 1.
    pub line: usize,
    /// `Package`, never empty.
    pub package: &'a [u8],
    /// `Status`; `None` when it is missing or unreadable, with a fault beside.
    pub status: Option<Status>,
    /// `Version`
    pub version: Option<&'a [u8]>,
    /// `Config-Version`: what was last configured.
    pub config_version: Option<&'a [u8]>,
    /// `Architecture`
    pub architecture: Option<&'a [u8]>,
    /// `Maintainer`
    pub maintainer: Option<&'a [u8]>,
    /// `Source` as written; see [`StatusRecord::source_name`].
    pub source: Option<&'a [u8]>,
    /// `Homepage`
    pub homepage: Option<&'a [u8]>,
    /// `Multi-Arch`
    pub multi_arch: Option<&'a [u8]>,
}

impl<'a> StatusRecord<'a> {
    /// Name of the source package; the binary's own where `Source` is absent.
    pub fn source_name(&self) -> &'a [u8] {
        self.source_parts().map_or(self.package, |(name, _)| name)
    }

    /// Version of the source package; the binary's own where `Source` gives none.
    pub fn source_version(&self) -> Option<&'a [u8]> {
        self.source_parts().and_then(|(_, version)| version).or(self.version)
    }

    /// `Source: name (version)`
    fn source_parts(&self) -> Option<(&'a [u8], Option<&'a [u8]>)> {
        let value = self.source?;
        let open = memchr(b'(', value).unwrap_or(value.len());
        let name = value.get(..open)?.trim_ascii();
        let version = value.get(open.saturating_add(1)..).map(|rest| {
            let close = memchr(b')', rest).unwrap_or(rest.len());
            rest.get(..close).unwrap_or(rest).trim_ascii()
        });
        Some((name, version.filter(|version| !version.is_empty())))
    }

    /// Name as text.
    pub fn name(&self) -> Cow<'a, str> {
        text(self.package)
    }
}

/// Reads a status or `status.d` file. Borrows from `bytes`; one pass.
pub fn status(bytes: &[u8], end: End) -> Parsed<StatusRecord<'_>> {
    let mut reader = Reader { out: Parsed::default(), now: None, end };
    // Blocks lost in a crash read back as zeros: they can hide whole stanzas.
    if let Some(at) = memchr(0, bytes) {
        reader.out.fault(At::Line(line_of(bytes, at)), "NUL byte");
    }
    rows(bytes).for_each(|(line, row)| reader.row(line, row));
    let ended = bytes.ends_with(b"\n\n") || bytes.trim_ascii().is_empty();
    if end == End::Strict && !ended {
        reader.out.fault(At::Whole, "the last stanza has no empty line after it: truncated");
    }
    reader.close();
    reader.out
}

/// Paths that a `<package>.list` file names, one a line, as written.
pub fn list_paths(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    lines(bytes).map(|(_, line)| line).filter(|line| !line.is_empty())
}

struct Reader<'a> {
    out: Parsed<StatusRecord<'a>>,
    now: Option<StatusRecord<'a>>,
    end: End,
}

impl<'a> Reader<'a> {
    fn row(&mut self, line: usize, row: Row<'a>) {
        match row {
            Row::Field { name, value } => self.field(line, name, value),
            Row::Blank => self.close(),
            Row::Garbage => self.out.fault(At::Line(line), "neither a field nor a continuation"),
            Row::More([]) if self.end == End::Lenient => self.close(),
            Row::More([]) => self.out.fault(At::Line(line), "a blank line in a value"),
            Row::More(_) if self.now.is_none() => {
                self.out.fault(At::Line(line), "a continuation outside of any stanza");
            }
            // dpkg writes no comments: one here hides what stood in its place.
            Row::Comment if self.end == End::Strict => {
                self.out.fault(At::Line(line), "a comment, which dpkg does not write");
            }
            Row::More(_) | Row::Comment => {}
        }
    }

    fn field(&mut self, line: usize, name: &[u8], value: &'a [u8]) {
        let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
        if is("Package") && self.now.as_ref().is_some_and(|now| !now.package.is_empty()) {
            self.out.fault(At::Line(line), "a second Package field: the empty line before it is lost");
            self.close();
        }
        let now = self.now.get_or_insert_with(|| StatusRecord { line, ..StatusRecord::default() });
        // Length first: most fields of a stanza are none of ours.
        let slot = match name.len() {
            6 if is("Status") => return self.state(line, value),
            7 if is("Package") => return self.package(line, value),
            6 if is("Source") => &mut now.source,
            7 if is("Version") => &mut now.version,
            8 if is("Homepage") => &mut now.homepage,
            10 if is("Maintainer") => &mut now.maintainer,
            10 if is("Multi-Arch") => &mut now.multi_arch,
            12 if is("Architecture") => &mut now.architecture,
            14 if is("Config-Version") => &mut now.config_version,
            _ => return,
        };
        let (value, clipped) = clip(value);
        let double = slot.is_some();
        if !double && !value.is_empty() {
            *slot = Some(value);
        }
        if double {
            self.out.fault(At::Line(line), format!("a second {} field", text(name)));
        }
        if clipped {
            self.out.fault(At::Line(line), format!("{} longer than 64 KiB, clipped", text(name)));
        }
    }

    fn package(&mut self, line: usize, value: &'a [u8]) {
        let (value, clipped) = clip(value);
        if clipped || !legal_name(value) {
            self.out.fault(At::Line(line), "a package name that dpkg would refuse");
        }
        if let Some(now) = &mut self.now {
            now.package = value;
        }
    }

    fn state(&mut self, line: usize, value: &[u8]) {
        let status = Status::read(value);
        let double = self.now.as_ref().is_some_and(|now| now.status.is_some());
        if status.is_none() {
            self.out.fault(At::Line(line), "a Status that dpkg does not know");
        }
        if double {
            self.out.fault(At::Line(line), "a second Status field");
        } else if let Some(now) = &mut self.now {
            now.status = status;
        }
    }

    /// Ends the stanza; keeps it when it names a package.
    fn close(&mut self) {
        let Some(mut now) = self.now.take() else { return };
        let at = At::Line(now.line);
        if now.package.is_empty() {
            return self.out.fault(at, "stanza without a Package field");
        }
        if now.status.is_none() && self.end == End::Lenient {
            now.status = Some(Status::INSTALLED);
        }
        self.check(&now);
        self.out.records.push(now);
    }

    fn check(&mut self, now: &StatusRecord<'_>) {
        let at = At::Line(now.line);
        let Some(status) = now.status else {
            return self.out.fault(at, format!("{}: no readable Status", now.name()));
        };
        // dpkg keeps neither for what is not installed, nor yet a version for the half-installed.
        let bare = matches!(status.state, State::NotInstalled);
        let versionless = bare || matches!(status.state, State::HalfInstalled | State::ConfigFiles);
        if now.version.is_none() && !versionless {
            self.out.fault(at.clone(), format!("{}: no Version", now.name()));
        }
        if now.architecture.is_none() && !bare {
            self.out.fault(at, format!("{}: no Architecture", now.name()));
        }
    }
}

/// deb-control(5), Package: a letter or digit first, then also `-+._`; dpkg takes capitals.
fn legal_name(name: &[u8]) -> bool {
    name.first().is_some_and(u8::is_ascii_alphanumeric)
        && name.iter().all(|c| c.is_ascii_alphanumeric() || b"-+._".contains(c))
}

#[cfg(test)]
#[path = "dpkg_tests.rs"]
mod tests;
