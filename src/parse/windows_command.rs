//! The program of a Windows command line: `ImagePath` of services and drivers, Run values,
//! `UninstallString`. A line without quotes is read as `CreateProcess` reads it, so that the answer is a
//! list of paths of which the caller knows which exists.
//!
//! Called by the Windows sources. Arguments may hold secrets: none is returned, apart from the library
//! that `rundll32` or `regsvr32` loads and the product code that `msiexec` is given. Must not know
//! what exists, nor the values of variables.

use crate::parse::guid::Guid;

/// Letters of a line that are read; `CreateProcess` takes 32,767.
const MAX_LINE: usize = 32_767;
/// Paths that are tried for one line: a line of blanks must not cost a look-up for each.
const MAX_CANDIDATES: usize = 32;
/// Endings that a program has; what stands behind one is an argument.
const PROGRAMS: &[&str] =
    &[".exe", ".com", ".bat", ".cmd", ".scr", ".pif", ".sys", ".msc", ".vbs", ".js", ".ps1"];
const LIBRARIES: &[&str] = &[".dll", ".ocx", ".cpl", ".ax", ".inf"];

/// What a command line starts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Command {
    /// Paths to look for, in the order in which Windows tries them; the first regular file among them
    /// is the program. Those behind [`Command::likely`] may end in an argument: report none that is not
    /// there.
    pub programs: Vec<String>,
    /// Libraries that a launcher (`rundll32`, `regsvr32`) is told to load, likewise.
    pub libraries: Vec<String>,
    /// The product that `msiexec` is told to install or remove.
    pub product: Option<Guid>,
    likely: usize,
}

impl Command {
    /// The path to name where none of them exists.
    pub fn likely(&self) -> Option<&str> {
        self.programs.get(self.likely).or(self.programs.first()).map(String::as_str)
    }

    /// File name of the likely program, lower-case, without `.exe`: `rundll32`.
    pub fn stem(&self) -> Option<String> {
        let name = self.likely()?.rsplit(['\\', '/']).next()?.to_ascii_lowercase();
        Some(name.strip_suffix(".exe").unwrap_or(&name).to_owned())
    }
}

/// Reads a command line. Variables stay as they are, or are expanded before with [`expand`].
pub fn command(line: &str) -> Command {
    let line = clean(line);
    let (mut out, rest) = match line.strip_prefix('"').and_then(|rest| rest.split_once('"')) {
        Some((path, rest)) => {
            let programs = with_ending(dos_path(path.trim()), ".exe");
            let likely = programs.len().saturating_sub(1);
            (Command { programs, likely, ..Command::default() }, rest)
        }
        None => unquoted(line.trim_start_matches('"')),
    };
    match out.stem().as_deref() {
        Some("rundll32") => out.libraries = libraries(rest, false),
        Some("regsvr32" | "control") => out.libraries = libraries(rest, true),
        Some("msiexec") => out.product = product(rest),
        _ => {}
    }
    out
}

/// The file of a driver: its `ImagePath` is a path and has no arguments. An empty one means
/// [`default_driver`].
pub fn driver(image_path: &str) -> Option<String> {
    let path = dos_path(clean(image_path).trim_matches('"').trim());
    if path.is_empty() {
        return None;
    }
    let absolute = path.starts_with(['\\', '%']) || path.get(1..2) == Some(":");
    // The kernel's loader starts at the Windows folder.
    Some(if absolute { path } else { format!("%SystemRoot%\\{path}") })
}

/// Where Windows looks for a driver whose service has no `ImagePath`.
pub fn default_driver(service: &str) -> String {
    format!("%SystemRoot%\\System32\\drivers\\{service}.sys")
}

/// A path of the kernel's or the loader's spelling as programs write it: `\??\C:\x`, `\\?\C:\x`,
/// `\SystemRoot\x`, `system32\x`. The Windows folder is `%SystemRoot%`.
pub fn dos_path(path: &str) -> String {
    for prefix in ["\\??\\UNC\\", "\\\\?\\UNC\\", "\\DosDevices\\UNC\\"] {
        if let Some(rest) = after(path, prefix) {
            return format!("\\\\{rest}");
        }
    }
    for prefix in ["\\??\\", "\\\\?\\", "\\\\.\\", "\\DosDevices\\", "\\GLOBAL??\\"] {
        if let Some(rest) = after(path, prefix) {
            return rest.to_owned();
        }
    }
    if let Some(rest) = after(path, "\\SystemRoot\\") {
        return format!("%SystemRoot%\\{rest}");
    }
    for folder in ["system32\\", "syswow64\\", "sysnative\\"] {
        if after(path, folder).is_some() {
            return format!("%SystemRoot%\\{path}");
        }
    }
    path.to_owned()
}

/// Replaces `%NAME%` by what `lookup` says of the name in upper case; a name that it does not know
/// stays, percent signs and all. What was put in is not expanded again.
pub fn expand(text: &str, lookup: impl Fn(&str) -> Option<String>) -> String {
    let (mut out, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once('%') {
        out.push_str(before);
        let known =
            after.split_once('%').and_then(|(name, tail)| Some((lookup(&name.to_uppercase())?, tail)));
        let Some((value, tail)) = known else {
            out.push('%');
            rest = after;
            continue;
        };
        out.push_str(&value);
        rest = tail;
    }
    out.push_str(rest);
    out
}

/// What is read of a line: up to the first NUL, trimmed.
fn clean(line: &str) -> &str {
    let line = line.split('\0').next().unwrap_or_default().trim();
    match line.char_indices().nth(MAX_LINE) {
        Some((at, _)) => line.get(..at).unwrap_or_default(),
        None => line,
    }
}

/// `CreateProcess`, "lpCommandLine": the path may end at each blank; the shortest is tried first.
fn unquoted(line: &str) -> (Command, &str) {
    let (end, sure) = program_end(line, PROGRAMS);
    let (area, rest) = line.split_at_checked(end).unwrap_or((line, ""));
    let mut out = Command::default();
    let path_end = path_end(area);
    let stops = area.match_indices([' ', '\t']).map(|(at, _)| at).chain([area.len()]);
    for stop in stops.filter(|stop| area.contains('\\') || *stop == first_blank(area)) {
        let Some(path) = area.get(..stop).map(str::trim_end).filter(|path| !path.is_empty()) else {
            continue;
        };
        if out.programs.len() >= MAX_CANDIDATES.saturating_sub(2) && stop < area.len() {
            continue;
        }
        let found = with_ending(dos_path(path), ".exe");
        if stop <= path_end || sure || out.programs.is_empty() {
            // Where Windows appends the ending, the file has it.
            out.likely = out.programs.len().saturating_add(found.len()).saturating_sub(1);
        }
        out.programs.extend(found);
    }
    out.programs.dedup();
    (out, rest)
}

/// The last word with a backslash belongs to the path; of those behind it nobody knows.
fn path_end(area: &str) -> usize {
    let at = area.rfind('\\').unwrap_or(0);
    at.saturating_add(first_blank(area.get(at..).unwrap_or_default()))
}

fn first_blank(text: &str) -> usize {
    text.find([' ', '\t']).unwrap_or(text.len())
}

/// Where the part of a line ends that can belong to the program's path, and whether an ending of a
/// program says so. It ends at such an ending, before an option, or before another path.
fn program_end(line: &str, endings: &[&str]) -> (usize, bool) {
    if !line.get(..first_blank(line)).unwrap_or_default().contains(['\\', ':', '%']) {
        return (first_blank(line), false);
    }
    let mut at = 0_usize;
    for word in line.split_inclusive([' ', '\t']) {
        let bare = word.trim_end();
        if at > 0 && is_argument(bare) {
            return (at, false);
        }
        let lower = bare.to_ascii_lowercase();
        let ends = |part: &str| endings.iter().any(|ending| part.ends_with(ending));
        if let Some(cut) = [bare.len()]
            .into_iter()
            .chain(lower.find([',', '"']))
            .find(|cut| lower.get(..*cut).is_some_and(ends))
        {
            return (at.saturating_add(cut), true);
        }
        at = at.saturating_add(word.len());
    }
    (line.len(), false)
}

/// An option (`-x`, `/x`, `--y=z`), a quoted word, or another path; `-` and `-App\x.exe` may be parts of
/// a folder's name.
fn is_argument(word: &str) -> bool {
    let mut letters = word.chars();
    match (letters.next(), letters.next()) {
        (Some('"'), _) | (Some('%'), Some(_)) => true,
        (Some('-' | '/'), Some(_)) => !word.contains('\\') || word.contains([':', '=']),
        (Some(drive), Some(':')) => drive.is_ascii_alphabetic(),
        _ => false,
    }
}

/// The library that a launcher is told to load; options before it are passed over where it takes any.
fn libraries(rest: &str, options: bool) -> Vec<String> {
    let mut rest = rest.trim_start();
    while options && rest.starts_with(['/', '-']) {
        rest = rest.split_once([' ', '\t']).map_or("", |(_, tail)| tail.trim_start());
    }
    let path = if let Some(quoted) = rest.strip_prefix('"') {
        quoted.split('"').next().unwrap_or_default()
    } else {
        // `x.dll,Entry`: the function that is called is an argument.
        let rest = if options { rest } else { rest.split(',').next().unwrap_or_default() };
        let (end, sure) = program_end(rest, LIBRARIES);
        let area = rest.get(..end).unwrap_or_default();
        if sure { area } else { area.get(..path_end(area)).unwrap_or_default() }
    };
    with_ending(dos_path(path.trim()), ".dll")
}

/// `/x{GUID}`, `/I {GUID}`, `/package {GUID}`: only where nothing but the code stands there.
fn product(rest: &str) -> Option<Guid> {
    let (_, tail) = rest.split_once('{')?;
    let (inner, _) = tail.split_once('}')?;
    Guid::parse(inner)
}

/// The path as it is and, where its last part has no dot, with the ending that Windows appends. None for
/// a folder.
fn with_ending(path: String, ending: &str) -> Vec<String> {
    let name = path.rsplit(['\\', '/']).next().unwrap_or_default();
    if name.is_empty() {
        return Vec::new();
    }
    if name.contains('.') || name.ends_with('%') {
        return vec![path];
    }
    let longer = format!("{path}{ending}");
    vec![path, longer]
}

fn after<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (head, rest) = text.split_at_checked(prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then_some(rest)
}

#[cfg(test)]
#[path = "windows_command_tests.rs"]
mod tests;
