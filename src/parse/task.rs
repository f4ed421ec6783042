//! Task Scheduler's task files: XML below `System32\Tasks`, UTF-16 with a byte order mark.
//! Format: [MS-TSCH] 2.5, "XML task definition language".
//!
//! Called by the source `scheduled-tasks`. Arguments may hold secrets: they are never kept. Must not
//! know where the file lies.

use crate::parse::At;
use crate::parse::Fault;
use crate::parse::guid::Guid;
use crate::parse::note;
use crate::parse::xml;
use crate::parse::xml::Node;

/// Actions kept of one task; Task Scheduler itself takes 32.
pub const MAX_ACTIONS: usize = 32;

/// What a task does. The same for the task file, for `TaskCache` and for `.job` files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Starts a program.
    Exec {
        /// The program as written: variables and quotes stay. Never its arguments.
        command: String,
        /// Folder that it starts in.
        folder: Option<String>,
    },
    /// Calls a COM class.
    Com {
        /// The class.
        class: Guid,
    },
    /// Shows a message or sends a mail: what Windows no longer does.
    Other,
}

/// A task file. `None`: it does not say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Task {
    /// Path of the task: `\Kaspersky\Update`.
    pub uri: Option<String>,
    /// Who registered it.
    pub author: Option<String>,
    /// What it is for; may be a reference to a resource (`$(@%SystemRoot%\…)`).
    pub description: Option<String>,
    /// When it was registered, as written: `2016-07-16T04:39:56`.
    pub date: Option<String>,
    /// `Settings/Enabled`; a task that does not say is enabled.
    pub disabled: bool,
    /// What it does, in order.
    pub actions: Vec<Action>,
}

/// Reads a task file. No task in it, or an action without its program or class, is a fault.
pub fn task(bytes: &[u8]) -> (Task, Vec<Fault>) {
    let mut out = Task::default();
    let (mut root, mut faults) = (false, Vec::new());
    let mut open = Open::default();
    let xml = xml::walk(bytes, &mut |node| match node {
        Node::Open(["Task"], _) => root = true,
        Node::Open(["Task", "Actions", _], _) => {
            out.finish(&mut open, &mut faults);
            open.any = true;
        }
        Node::Leaf(["Task", "Actions", kind], _) => open.kind = kind.to_string(),
        Node::Leaf(["Task", "Actions", kind, field], text) => open.field(kind, field, text),
        Node::Leaf(["Task", "RegistrationInfo", field], text) => out.about(field, text),
        Node::Leaf(["Task", "Settings", "Enabled"], text) => {
            out.disabled = text.eq_ignore_ascii_case("false");
        }
        _ => {}
    });
    out.finish(&mut open, &mut faults);
    if !root {
        note(&mut faults, At::Record("Task".to_owned()), "there is none");
    }
    for fault in xml {
        note(&mut faults, fault.at, fault.what);
    }
    (out, faults)
}

/// The action that is being read.
#[derive(Default)]
struct Open {
    any: bool,
    kind: String,
    command: Option<String>,
    folder: Option<String>,
    class: Option<String>,
}

impl Open {
    fn field(&mut self, kind: &str, field: &str, text: &str) {
        kind.clone_into(&mut self.kind);
        let slot = match (kind, field) {
            ("Exec", "Command") => &mut self.command,
            ("Exec", "WorkingDirectory") => &mut self.folder,
            ("ComHandler", "ClassId") => &mut self.class,
            _ => return,
        };
        if !text.is_empty() {
            *slot = Some(text.to_owned());
        }
    }
}

impl Task {
    fn about(&mut self, field: &str, text: &str) {
        let slot = match field {
            "URI" => &mut self.uri,
            "Author" => &mut self.author,
            "Description" => &mut self.description,
            "Date" => &mut self.date,
            _ => return,
        };
        if !text.is_empty() {
            slot.get_or_insert_with(|| text.to_owned());
        }
    }

    /// Keeps the action that was open.
    fn finish(&mut self, open: &mut Open, faults: &mut Vec<Fault>) {
        let open = std::mem::take(open);
        if !open.any {
            return;
        }
        let at = At::Record(format!("action {}", self.actions.len().saturating_add(1)));
        if self.actions.len() >= MAX_ACTIONS {
            return note(faults, at, "more actions than a task can have");
        }
        let class = open.class.as_deref().and_then(Guid::parse);
        match (open.kind.as_str(), open.command, class) {
            ("Exec", Some(command), _) => self.actions.push(Action::Exec { command, folder: open.folder }),
            ("ComHandler", _, Some(class)) => self.actions.push(Action::Com { class }),
            ("SendEmail" | "ShowMessage", ..) => self.actions.push(Action::Other),
            ("Exec", ..) => note(faults, at, "it starts no program"),
            ("ComHandler", ..) => note(faults, at, "it calls no class"),
            _ => note(faults, at, "a kind of action that is not known"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::utf16;

    const GOOD: &str = "<?xml version=\"1.0\" encoding=\"UTF-16\"?>\r\n<Task version=\"1.2\" \
xmlns=\"http://schemas.microsoft.com/windows/2004/02/mit/task\"><RegistrationInfo><Date>2016-07-16T04:39:56</Date>\
<Author>AO Kaspersky Lab</Author><Description>A &amp; B</Description><URI>\\Kaspersky\\Update</URI></RegistrationInfo>\
<Triggers><LogonTrigger><Enabled>false</Enabled></LogonTrigger></Triggers><Settings><Enabled>true</Enabled></Settings>\
<Actions Context=\"Author\"><Exec><Command>\"%ProgramFiles%\\K L\\avp.exe\"</Command><Arguments>-secret</Arguments>\
<WorkingDirectory>C:\\K</WorkingDirectory></Exec><ComHandler><ClassId>{A5D36CF1-1993-4F63-BFB4-3ACD910D36A1}</ClassId>\
<Data><![CDATA[-secret]]></Data></ComHandler><ShowMessage><Title>x</Title></ShowMessage></Actions></Task>";

    #[test]
    fn a_sound_task_in_each_encoding() {
        let wide = [&[0xff, 0xfe][..], &utf16::encode(GOOD)].concat();
        for bytes in [GOOD.as_bytes(), &wide, &utf16::encode(GOOD)] {
            let (got, faults) = task(bytes);
            assert_eq!(faults, []);
            assert_eq!(got.uri.as_deref(), Some("\\Kaspersky\\Update"));
            assert_eq!(got.author.as_deref(), Some("AO Kaspersky Lab"));
            assert_eq!(got.description.as_deref(), Some("A & B"));
            assert_eq!(got.date.as_deref(), Some("2016-07-16T04:39:56"));
            assert!(!got.disabled);
            let class = Guid::parse("{A5D36CF1-1993-4F63-BFB4-3ACD910D36A1}").unwrap();
            let command = "\"%ProgramFiles%\\K L\\avp.exe\"".to_owned();
            let exec = Action::Exec { command, folder: Some("C:\\K".to_owned()) };
            assert_eq!(got.actions, [exec, Action::Com { class }, Action::Other]);
            assert!(!format!("{got:?}").contains("secret"), "arguments are never kept");
        }
    }

    #[test]
    fn disabled_is_what_the_settings_say() {
        assert!(
            task(GOOD.replace("<Settings><Enabled>true", "<Settings><Enabled>false").as_bytes()).0.disabled
        );
    }

    #[test]
    fn every_cut_is_a_fault() {
        for cut in 0..GOOD.len() {
            assert!(!task(&GOOD.as_bytes()[..cut]).1.is_empty(), "cut at {cut}");
        }
    }

    #[test]
    fn odd_actions_are_faults_beside_the_sound_ones() {
        let run = "<Exec><Command>a</Command></Exec>";
        for odd in [
            "<Exec/>",
            "<Exec><Command> </Command></Exec>",
            "<ComHandler><ClassId>{1}</ClassId></ComHandler>",
            "<Other/>",
            "<Other><Command>b</Command></Other>",
        ] {
            let (got, faults) = task(format!("<Task><Actions>{odd}{run}{odd}</Actions></Task>").as_bytes());
            assert_eq!((got.actions.len(), faults.len()), (1, 2), "{odd}: {faults:?}");
        }
        let (got, faults) = task(format!("<Task><Actions>{}</Actions></Task>", run.repeat(1000)).as_bytes());
        assert_eq!((got.actions.len(), faults.len()), (MAX_ACTIONS, crate::parse::MAX_FAULTS));
        assert_eq!(task(b"<Other/>").1.len(), 1);
    }
}
