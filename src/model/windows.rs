//! What a Windows says of its own folders: where it lies, and what its variables (`%ProgramFiles%`) stand for.
//!
//! Made by `host` from the target's registry, asked by `sources`. Must not know the scanner's own environment.

use std::collections::BTreeMap;

use super::{HostPath, User};

/// Bytes up to which variables are replaced: a value may be as long as its writer likes, and be named ten thousand times.
const EXPANDED: usize = 32 << 10;

/// Variables and folders of one Windows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WindowsFacts {
    /// `C:\Windows`.
    pub root: HostPath,
    /// Folders of programs: `C:\Program Files` and, on a 64-bit system, `C:\Program Files (x86)`.
    pub program_files: Vec<HostPath>,
    /// `C:\ProgramData`.
    pub program_data: Option<HostPath>,
    /// Names in lower case.
    variables: BTreeMap<String, String>,
}

impl WindowsFacts {
    /// A Windows in this folder.
    pub fn new(root: HostPath) -> Self {
        Self { root, ..Self::default() }
    }

    /// Sets a variable of the system.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        self.variables.insert(name.to_lowercase(), value.into());
    }

    /// What a variable stands for, to a user or to the system.
    pub fn variable(&self, name: &str, user: Option<&User>) -> Option<String> {
        let name = name.to_lowercase();
        let of_user = user.and_then(|user| {
            let inside = match name.as_str() {
                "userprofile" => "",
                "appdata" => r"\AppData\Roaming",
                "localappdata" => r"\AppData\Local",
                "temp" | "tmp" => r"\AppData\Local\Temp",
                "username" => return Some(user.name.clone()),
                "homepath" => return user.home.text().get(2..).map(str::to_owned),
                _ => return None,
            };
            Some(format!("{}{inside}", user.home.text()))
        });
        of_user.or_else(|| self.variables.get(&name).cloned())
    }

    /// The text with its variables replaced; one that is not known stays as it is written. Windows makes no text longer
    /// than 32 Ki letters of it (`ExpandEnvironmentStrings`): behind that nothing is replaced any more.
    pub fn expand(&self, text: &str, user: Option<&User>) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while out.len() <= EXPANDED
            && let Some((before, after)) = rest.split_once('%')
        {
            out.push_str(before);
            match after.split_once('%') {
                Some((name, tail)) if self.variable(name, user).is_some() => {
                    out.push_str(&self.variable(name, user).unwrap_or_default());
                    rest = tail;
                }
                _ => {
                    out.push('%');
                    rest = after;
                }
            }
        }
        out.push_str(rest);
        out
    }

    /// The path that a record of this Windows names.
    pub fn path(&self, text: &str, user: Option<&User>) -> Option<HostPath> {
        HostPath::of_windows(&self.expand(text, user))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_the_targets_own() {
        let mut facts = WindowsFacts::new("/D:/Windows".into());
        facts.set("SystemRoot", r"D:\Windows");
        let user =
            User { n: 1, name: "alice".into(), home: "/D:/Users/alice".into(), readable: true, sid: None };
        let expand = |text: &str| facts.expand(text, Some(&user));
        assert_eq!(expand(r"%systemroot%\System32\x.exe"), r"D:\Windows\System32\x.exe");
        assert_eq!(expand(r"%LocalAppData%\Programs"), r"D:\Users\alice\AppData\Local\Programs");
        assert_eq!(expand("100% of %nothing% %"), "100% of %nothing% %");
        assert_eq!(facts.expand("%APPDATA%", None), "%APPDATA%", "the system has no profile");
        facts.set("Long", "x".repeat(1 << 20));
        assert!(facts.expand(&"%Long%".repeat(9_999), None).len() < 2 << 20);
        assert_eq!(facts.path(r"%SystemRoot%\x", None), Some("/D:/Windows/x".into()));
    }
}
