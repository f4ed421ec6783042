//! The event log of Windows: an event with a number of its kind and one text.

use crate::model::Verdict;

use super::{Event, Kind};

#[cfg(windows)]
pub(super) use live::EventLog;

#[cfg(windows)]
mod live {
    //! The same of a running Windows.

    use std::io;

    use crate::host::{EventKind, report_event};
    use crate::model::Stamp;

    use super::super::{Event, NAME, Sink};
    use super::{number, text};

    /// The log `Application` of this computer.
    pub(in super::super) struct EventLog;

    impl Sink for EventLog {
        fn write(&self, event: &Event, _: Stamp) -> io::Result<()> {
            let kind = match event.kind.severity() {
                3 => EventKind::Error,
                4 => EventKind::Warning,
                _ => EventKind::Information,
            };
            report_event(NAME, kind, number(event.kind), &text(event))
        }
    }
}

/// The number of a kind, for life; those of what ends a run end with its exit code. Below 1000, so that the messages of Windows' own
/// `EventCreate.exe` ("%1") show them: no library of messages is to be installed.
fn number(kind: Kind) -> u32 {
    match kind {
        Kind::Start => 100,
        Kind::Failure => 102,
        Kind::Verdict(Verdict::Compliant) => 110,
        Kind::Verdict(Verdict::NonCompliant) => 111,
        Kind::Verdict(Verdict::Inconclusive) => 113,
        Kind::Inventory => 120,
        Kind::Warning => 130,
        Kind::Gap => 140,
    }
}

fn text(event: &Event) -> String {
    let fields = event.fields.iter().map(|(name, value)| format!("\r\n{name}: {value}"));
    // A number behind a per cent sign would be looked up among the texts.
    let lines = event.message.replace('\n', "\r\n");
    format!("{lines}\r\n{}", fields.collect::<String>()).replace('%', "% ")
}

#[cfg(test)]
mod tests {
    use super::super::tests::event;
    use super::*;

    #[test]
    fn an_event_is_one_text_with_a_number_of_its_kind() {
        let told = text(&event());
        assert!(told.starts_with("a\\u{1b}[31m\r\nb\\u{202e}\r\n\r\nversion: "), "{told}");
        assert_eq!(text(&Event::new(Kind::Failure, "C:\\%12")).lines().next(), Some("C:\\% 12"));
        for verdict in [Verdict::Compliant, Verdict::NonCompliant, Verdict::Inconclusive] {
            assert_eq!(number(Kind::Verdict(verdict)), 110 + u32::from(verdict.exit_code()));
        }
    }
}
