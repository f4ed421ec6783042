//! What the registry starts when somebody logs on: the `Run` keys of the machine, for programs of 64 and of 32 bits, and
//! of every user, those of policies and terminal servers, and the values that Winlogon starts.
//! <https://learn.microsoft.com/windows/win32/setupapi/run-and-runonce-registry-keys>
//!
//! What a user switched off in the task manager (`StartupApproved`) is still there. Only the program of a line is kept.

use crate::host::{Hive, Host, Key};
use crate::model::{
    Family, Field, Image, ItemKind, Means, Need, Place, Recorded, Scope, ScopeKind, State, Trace, User,
    Wanted,
};
use crate::parse::windows_command;
use crate::sources::{About, Haul, Outcome, Source};

use super::keys::VIEWS;
use super::started;

/// The source `run-keys`.
pub struct RunKeys;

/// Keys whose values are command lines, below `Microsoft\` of either view.
const KEYS: &[&str] = &[
    r"Windows\CurrentVersion\Run",
    r"Windows\CurrentVersion\RunOnce",
    r"Windows\CurrentVersion\RunServices",
    r"Windows\CurrentVersion\RunServicesOnce",
    r"Windows\CurrentVersion\Policies\Explorer\Run",
    // What a terminal server hands to everybody who logs on.
    r"Windows NT\CurrentVersion\Terminal Server\Install\Software\Microsoft\Windows\CurrentVersion\Run",
    r"Windows NT\CurrentVersion\Terminal Server\Install\Software\Microsoft\Windows\CurrentVersion\RunOnce",
];
/// Its command lines stand one key deeper.
const RUN_ONCE_EX: &str = r"Windows\CurrentVersion\RunOnceEx";
/// Values that hold one or more command lines, and the program of Windows' own that is there in any case.
const LISTS: &[(&str, &str, Option<&str>)] = &[
    (r"Windows NT\CurrentVersion\Winlogon", "Shell", Some(r"%SystemRoot%\explorer.exe")),
    (r"Windows NT\CurrentVersion\Winlogon", "Userinit", Some(r"%SystemRoot%\System32\userinit.exe")),
    (r"Windows NT\CurrentVersion\Winlogon", "Taskman", None),
    (r"Windows\CurrentVersion\Policies\System", "Shell", Some(r"%SystemRoot%\explorer.exe")),
    (r"Windows NT\CurrentVersion\Windows", "Load", None),
    (r"Windows NT\CurrentVersion\Windows", "Run", None),
];
/// Programs of one such value.
const MAX_LIST: usize = 64;

static ABOUT: About = About {
    name: "run-keys",
    summary: "what the registry starts at log-on, of the machine (64 and 32 bits) and of every user",
    families: &[Family::Windows],
    needs: &[Need::Registry, Need::Files],
    scopes: &[ScopeKind::Machine, ScopeKind::User],
    yields: &[(ItemKind::Autostart, &[State::Installed, State::Remnant])],
    fields: &[Field::Name, Field::Path],
    ..About::USUAL
};

impl Source for RunKeys {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn collect(&self, host: &dyn Host, want: &Wanted, haul: &mut Haul) -> Outcome {
        if want.scope.includes(ScopeKind::Machine)
            && let Some(software) = haul.key(host, Hive::Software, "")
        {
            all(&Reading { host, user: None }, software.as_ref(), haul);
        }
        haul.of_users(host, want, &["Software".to_owned()], &mut |user, _, software, haul| {
            all(&Reading { host, user: Some(user) }, software, haul);
        });
        Outcome::Read
    }
}

/// Whose keys are read.
struct Reading<'a> {
    host: &'a dyn Host,
    user: Option<&'a User>,
}

impl Reading<'_> {
    fn trace(&self, key: &dyn Key, value: &str, image: Option<Image>) -> Trace {
        let name = if value.is_empty() { "(Default)" } else { value };
        let place = Place::record(key.place(), format!("value {name}"));
        let mut trace = Trace::new(ItemKind::Autostart, name, State::of_record(image.as_ref()), place);
        trace.image = image;
        trace.scope = self.user.map_or(Scope::Machine, |user| Scope::User(user.n));
        trace.recorded_at = Recorded { value: key.last_write(), means: Means::FileTime };
        trace
    }

    /// The program of each value of a key.
    fn values(&self, key: &dyn Key, haul: &mut Haul) {
        for (name, value) in haul.values(key) {
            let line = value.text().unwrap_or_default();
            // A key that has no default value shows an empty one in places.
            if name.is_empty() && line.trim().is_empty() {
                continue;
            }
            let image = started::started(self.host, &line, self.user, haul);
            haul.push(self.trace(key, &name, image));
            if !haul.time_left() {
                return;
            }
        }
    }

    /// `library|function|arguments`, or `||command line`; the default value is a title.
    fn run_once_ex(&self, key: &dyn Key, haul: &mut Haul) {
        for (name, value) in haul.values(key) {
            let Some(line) = value.text().filter(|line| !name.is_empty() && !line.trim().is_empty()) else {
                continue;
            };
            let image = if let Some(line) = line.strip_prefix("||") {
                started::started(self.host, line, self.user, haul)
            } else {
                let library = line.split('|').next().unwrap_or_default();
                started::file(self.host, library, self.user, haul)
            };
            haul.push(self.trace(key, &name, image));
        }
    }

    /// Command lines with commas between, but for Windows' own.
    fn list(&self, key: &dyn Key, value: &str, own: Option<&str>, haul: &mut Haul) {
        let text = haul.text(key, value).unwrap_or_default();
        for line in text.split(',').map(str::trim).filter(|line| !line.is_empty()).take(MAX_LIST) {
            if own.is_none_or(|own| !self.is_own(line, own)) {
                let image = started::started(self.host, line, self.user, haul);
                haul.push(self.trace(key, value, image));
            }
        }
    }

    /// Whether a line is nothing but Windows' own program, by its name alone or by its path.
    fn is_own(&self, line: &str, own: &str) -> bool {
        let Some(windows) = &self.host.facts().windows else { return false };
        let command = windows_command::command(&windows.expand(line, self.user));
        let own = windows.expand(own, None);
        let is = |text: &str| {
            text.eq_ignore_ascii_case(&own)
                || own.rsplit('\\').next().is_some_and(|name| text.eq_ignore_ascii_case(name))
        };
        command.likely().is_some_and(is)
    }
}

/// Every key below the root of a hive of software.
fn all(reading: &Reading<'_>, software: &dyn Key, haul: &mut Haul) {
    for view in VIEWS {
        for path in KEYS {
            if let Some(key) = haul.subkey(software, &format!(r"{view}Microsoft\{path}")) {
                reading.values(key.as_ref(), haul);
            }
        }
        if let Some(key) = haul.subkey(software, &format!(r"{view}Microsoft\{RUN_ONCE_EX}")) {
            haul.each_key(key.as_ref(), &mut |key, haul| reading.run_once_ex(key, haul));
        }
    }
    // Winlogon is a program of the system's own width.
    for (path, value, own) in LISTS {
        if let Some(key) = haul.subkey(software, &format!(r"Microsoft\{path}")) {
            reading.list(key.as_ref(), value, *own, haul);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::{FakeHost, FakeNode, FakeRegistry};
    use crate::model::{GapReason, ScopeAsk};
    use crate::parse::registry_value::RegistryValue;
    use crate::sources::testing::{collect, collect_for};

    const RUN: &str = r"Microsoft\Windows\CurrentVersion\Run";

    fn host(registry: FakeRegistry) -> FakeHost {
        let list = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList\S-1-5-21-1";
        let registry = registry.key(list, &[("ProfileImagePath", RegistryValue::sz(r"C:\Users\alice"))]);
        let program = || FakeNode::Program(vec![]);
        let nodes = [
            ("/C:/Program Files/Acme Guard/guard.exe", program()),
            ("/C:/Windows/explorer.exe", program()),
            ("/C:/Windows/System32/userinit.exe", program()),
            ("/C:/Users/alice/AppData/Roaming/Acme/own.exe", program()),
            ("/C:/Users/alice/NTUSER.DAT", FakeNode::File(Vec::new())),
        ];
        FakeHost::windows(nodes, registry)
    }

    fn sz(line: &str) -> RegistryValue {
        RegistryValue::sz(line)
    }

    /// Name, program and state of each entry, with its scope.
    fn seen(haul: &Haul) -> Vec<(String, String, State, String)> {
        let of = |trace: &Trace| {
            let image = trace.image.as_ref().map(|image| image.path.text().into_owned());
            (trace.name.clone(), image.unwrap_or_default(), trace.state, trace.scope.to_string())
        };
        haul.traces().iter().map(of).collect()
    }

    #[test]
    fn every_key_of_the_machine_and_of_users() {
        let guard = r#""%ProgramFiles%\Acme Guard\guard.exe" /password s3cret"#;
        let mut registry = FakeRegistry::new();
        for path in KEYS {
            for head in [r"HKLM\SOFTWARE", r"HKLM\SOFTWARE\WOW6432Node", r"HKU\1\Software"] {
                registry = registry.key(&format!(r"{head}\Microsoft\{path}"), &[("Guard", sz(guard))]);
            }
        }
        let host = host(registry);
        let (haul, outcome) = collect(&RunKeys, &host);
        assert_eq!((outcome, haul.gaps()), (Outcome::Read, vec![]));
        assert_eq!(haul.traces().len(), 3 * KEYS.len());
        let path = r"C:\Program Files\Acme Guard\guard.exe";
        for (name, image, state, _) in seen(&haul) {
            assert_eq!((name.as_str(), image.as_str(), state), ("Guard", path, State::Installed));
        }
        assert!(!format!("{:?}", haul.traces()).contains("s3cret"));
        let first = &haul.traces()[0];
        assert_eq!(
            first.place,
            Place::record(format!(r"HKLM\SOFTWARE\{RUN}").as_str().into(), "value Guard")
        );
        let of = |scope| {
            let want = Wanted { scope, ..Wanted::default() };
            collect_for(&RunKeys, &host, &want).0.traces().len()
        };
        assert_eq!((of(ScopeAsk::System), of(ScopeAsk::User)), (2 * KEYS.len(), KEYS.len()));
    }

    #[test]
    fn a_users_variables_are_their_own_and_what_is_gone_is_a_remnant() {
        let registry = FakeRegistry::new()
            .key(&format!(r"HKU\1\Software\{RUN}"), &[("Own", sz(r"%AppData%\Acme\own.exe -q"))])
            .key(&format!(r"HKLM\SOFTWARE\{RUN}"), &[("Old", sz(r"C:\Acme\old.exe"))]);
        let (haul, _) = collect(&RunKeys, &host(registry));
        let own = r"C:\Users\alice\AppData\Roaming\Acme\own.exe";
        assert_eq!(
            seen(&haul),
            [
                ("Old".into(), r"C:\Acme\old.exe".into(), State::Remnant, "machine".into()),
                ("Own".into(), own.into(), State::Installed, "user:1".into()),
            ]
        );
    }

    #[test]
    fn run_once_ex_has_its_own_grammar() {
        let key = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\RunOnceEx\0001";
        let values = [
            ("", sz("Title")),
            ("1", sz(r"||C:\Program Files\Acme Guard\guard.exe -x")),
            ("2", sz(r"C:\Acme\setup.dll|Install|secret")),
        ];
        let (haul, _) = collect(&RunKeys, &host(FakeRegistry::new().key(key, &values)));
        let images: Vec<_> = seen(&haul).into_iter().map(|(name, image, ..)| (name, image)).collect();
        let guard = r"C:\Program Files\Acme Guard\guard.exe".to_owned();
        assert_eq!(images, [("1".into(), guard), ("2".into(), r"C:\Acme\setup.dll".into())]);
    }

    #[test]
    fn of_winlogon_only_what_is_not_windows_own() {
        let winlogon = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\Winlogon";
        let of = |shell: &str, userinit: &str| {
            let values = [("Shell", sz(shell)), ("Userinit", sz(userinit))];
            let (haul, _) = collect(&RunKeys, &host(FakeRegistry::new().key(winlogon, &values)));
            seen(&haul).into_iter().map(|(name, image, ..)| (name, image)).collect::<Vec<_>>()
        };
        assert_eq!(of("explorer.exe", r"C:\Windows\system32\userinit.exe,"), []);
        assert_eq!(of(r"%SystemRoot%\Explorer.EXE", "userinit"), []);
        let guard = r"C:\Program Files\Acme Guard\guard.exe".to_owned();
        assert_eq!(
            of(r"C:\Temp\explorer.exe", r"userinit.exe,C:\Program Files\Acme Guard\guard.exe,"),
            [("Shell".to_owned(), r"C:\Temp\explorer.exe".to_owned()), ("Userinit".to_owned(), guard)]
        );
        let load = r"HKU\1\Software\Microsoft\Windows NT\CurrentVersion\Windows";
        let values = [("Load", sz(r"C:\Acme\l.exe")), ("Run", sz("")), ("Device", sz("x"))];
        let (haul, _) = collect(&RunKeys, &host(FakeRegistry::new().key(load, &values)));
        assert_eq!(seen(&haul).len(), 1);
        assert_eq!((seen(&haul)[0].0.as_str(), seen(&haul)[0].3.as_str()), ("Load", "user:1"));
    }

    #[test]
    fn what_cannot_be_read_is_a_gap() {
        let run = format!(r"HKLM\SOFTWARE\{RUN}");
        let gaps = |registry| collect(&RunKeys, &host(registry)).0.gaps();
        assert_eq!(gaps(FakeRegistry::new().deny(&run)), [(GapReason::PermissionDenied, true)]);
        let own = FakeRegistry::new().key(r"HKU\1\Software\Acme", &[]);
        assert_eq!(gaps(own.clone()), []);
        assert_eq!(gaps(own.clone().without(Hive::User(1))), [(GapReason::Missing, true)]);
        let missing = collect(&RunKeys, &host(own).clone()).0;
        assert_eq!(missing.traces().len(), 0);
        let hive = FakeHost::windows([], FakeRegistry::new().key(&run, &[]).without(Hive::Software));
        let (haul, _) = collect(&RunKeys, &hive);
        assert!(haul.gaps().contains(&(GapReason::Missing, true)), "{:?}", haul.gaps());
    }

    #[test]
    fn values_that_are_no_lines_keep_their_names() {
        let odd = [
            ("number", RegistryValue::dword(7)),
            ("noise", RegistryValue::new(1, vec![0xD8; 1 << 20])),
            ("half", RegistryValue::new(1, *b"a")),
            ("empty", sz("")),
            ("quote", sz("\"")),
            ("", sz("")),
        ];
        let (haul, _) =
            collect(&RunKeys, &host(FakeRegistry::new().key(&format!(r"HKLM\SOFTWARE\{RUN}"), &odd)));
        let names: Vec<_> = haul.traces().iter().map(|trace| trace.name.as_str()).collect();
        assert_eq!(names, ["number", "noise", "half", "empty", "quote"]);
        assert!(haul.traces().iter().all(|trace| trace.state == State::Installed));
    }
}
