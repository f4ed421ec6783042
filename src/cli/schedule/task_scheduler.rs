//! The schedule of Windows: one task of Task Scheduler, which runs as SYSTEM, whether anybody is logged on or not, and is made
//! up for when it was missed.
//!
//! Called by the front of this folder. Pure. Words after [MS-TSCH] 2.5, "XML task definition language".

use super::plan::{Call, File, Plan, Setup, xml};
use super::when::{Days, Set, Times, xml_span};

/// Its name. It lies in no folder of the library: schtasks could not take the folder away again.
pub(super) const NAME: &str = "interdict";
/// Triggers that a task may have.
const MAX_TRIGGERS: usize = 48;
/// How long a scan may take before it is ended: longer than the longest budget that makes sense.
const LIMIT: &str = "PT12H";
/// Any day in the past; times of the day are the computer's own.
const SINCE: &str = "2024-01-01";

/// Where things are on the computer.
#[derive(Debug, Clone)]
pub(super) struct Here {
    /// `C:\Windows`.
    pub(super) system_root: String,
}

impl Here {
    /// The tool.
    fn schtasks(&self) -> String {
        format!(r"{}\System32\schtasks.exe", self.system_root)
    }

    /// Where the definition passes by: a folder in which users change nothing of others.
    fn passing(&self) -> String {
        format!(r"{}\Temp\interdict-task.xml", self.system_root)
    }

    /// Where Task Scheduler keeps it.
    pub(super) fn kept(&self) -> String {
        format!(r"{}\System32\Tasks\{NAME}", self.system_root)
    }
}

/// The definition and the call that hands it over.
pub(super) fn setup(plan: &Plan, here: &Here) -> Result<Setup, String> {
    let text = task(plan)?;
    let mark = [0xFF, 0xFE];
    let bytes = mark
        .into_iter()
        .chain(text.replace('\n', "\r\n").encode_utf16().flat_map(u16::to_le_bytes))
        .collect();
    let path = here.passing();
    let create = Call::new(&here.schtasks(), &["/Create", "/XML", &path, "/TN", NAME, "/F"]);
    let enable = Call::new(&here.schtasks(), &["/Change", "/TN", NAME, "/ENABLE"]);
    Ok(Setup { files: vec![File { path, bytes, passing: true }], enable: vec![create], assure: vec![enable] })
}

/// What takes it away.
pub(super) fn removal(here: &Here) -> Vec<Call> {
    vec![Call::new(&here.schtasks(), &["/Delete", "/TN", NAME, "/F"])]
}

/// What is asked for its state; the order of the columns is the same in every language.
pub(super) fn question(here: &Here) -> Call {
    Call::new(&here.schtasks(), &["/Query", "/TN", NAME, "/FO", "CSV", "/NH", "/V"])
}

fn task(plan: &Plan) -> Result<String, String> {
    let variables = |word: &&String| word.contains("$(") || word.matches('%').count() > 1;
    if let Some(word) = [&plan.program].into_iter().chain(&plan.arguments).find(variables) {
        return Err(format!(
            "'{word}' cannot be said to Task Scheduler: it takes what stands between percent signs, or behind '$(', for a \
             variable; choose another name"
        ));
    }
    let words: Vec<String> = plan.arguments.iter().map(|word| quoted(word)).collect();
    let span = xml_span(plan.jitter);
    let triggers = triggers(&plan.times, &span)?;
    Ok(format!(
        r#"<?xml version="1.0" encoding="UTF-16"?>
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo>
    <Author>interdict</Author>
    <Description>Scheduled software compliance scan. {says}</Description>
    <Documentation>{mark}</Documentation>
  </RegistrationInfo>
  <Triggers>
{triggers}  </Triggers>
  <Principals>
    <Principal id="System">
      <UserId>S-1-5-18</UserId>
      <RunLevel>HighestAvailable</RunLevel>
    </Principal>
  </Principals>
  <Settings>
    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
    <AllowHardTerminate>true</AllowHardTerminate>
    <StartWhenAvailable>true</StartWhenAvailable>
    <RunOnlyIfNetworkAvailable>false</RunOnlyIfNetworkAvailable>
    <AllowStartOnDemand>true</AllowStartOnDemand>
    <Enabled>true</Enabled>
    <Hidden>true</Hidden>
    <RunOnlyIfIdle>false</RunOnlyIfIdle>
    <WakeToRun>false</WakeToRun>
    <ExecutionTimeLimit>{LIMIT}</ExecutionTimeLimit>
    <Priority>9</Priority>
  </Settings>
  <Actions Context="System">
    <Exec>
      <Command>{program}</Command>
      <Arguments>{arguments}</Arguments>
    </Exec>
  </Actions>
</Task>
"#,
        says = xml(super::plan::SAYS),
        mark = xml(&plan.mark().line()),
        program = xml(&plan.program),
        arguments = xml(&words.join(" ")),
    ))
}

/// Triggers of the calendar. Times that come as regularly as a clock are one trigger that repeats.
fn triggers(times: &Times, jitter: &str) -> Result<String, String> {
    let of_day: Vec<(u32, u32)> = times.of_day().collect();
    let step = times.shortest();
    // Within a day alone: the next begins anew.
    let repeats = of_day.len() > 1 && step == times.steady() && 1440 % step == 0;
    let begins = if repeats { of_day.get(..1).unwrap_or_default() } else { &of_day };
    let repetition = if repeats {
        format!(
            "      <Repetition>\n        <Interval>{}</Interval>\n        <Duration>P1D</Duration>\n      </Repetition>\n",
            xml_span(step * 60)
        )
    } else {
        String::new()
    };
    let mut all = Vec::new();
    for days in times.days() {
        let days = calendar(times, days)?;
        for (hour, minute) in begins {
            all.push(format!(
                "    <CalendarTrigger>\n{repetition}      <StartBoundary>{SINCE}T{hour:02}:{minute:02}:00</StartBoundary>\n      \
                 <Enabled>true</Enabled>\n      <RandomDelay>{jitter}</RandomDelay>\n{days}    </CalendarTrigger>\n"
            ));
        }
    }
    if all.len() > MAX_TRIGGERS {
        return Err(format!(
            "'{}' would be {} triggers, and Task Scheduler takes {MAX_TRIGGERS}; say fewer times",
            times.expression(),
            all.len()
        ));
    }
    Ok(all.concat())
}

/// The days of a trigger.
fn calendar(times: &Times, days: Days) -> Result<String, String> {
    const WEEK: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
    const MONTHS: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    let named = |names: &[&str], first: u32, set: Option<Set>| -> String {
        let all = names.iter().zip(first..).filter(|(_, number)| set.is_none_or(|set| set.has(*number)));
        all.map(|(name, _)| format!("          <{name} />\n")).collect::<Vec<_>>().concat()
    };
    let months = format!("        <Months>\n{}        </Months>\n", named(&MONTHS, 1, times.months));
    let week = format!("        <DaysOfWeek>\n{}        </DaysOfWeek>\n", named(&WEEK, 0, days.week));
    let (name, inner) = match (days.month, days.week, times.months) {
        (None, None, None) => ("ScheduleByDay", "        <DaysInterval>1</DaysInterval>\n".to_owned()),
        (None, Some(_), None) => {
            ("ScheduleByWeek", format!("        <WeeksInterval>1</WeeksInterval>\n{week}"))
        }
        (None, Some(_), Some(_)) => {
            let weeks: String =
                ["1", "2", "3", "4", "Last"].map(|week| format!("          <Week>{week}</Week>\n")).concat();
            ("ScheduleByMonthDayOfWeek", format!("        <Weeks>\n{weeks}        </Weeks>\n{week}{months}"))
        }
        (days, None, _) => {
            let days = (1..=31).filter(|day| days.is_none_or(|days| days.has(*day)));
            let days = days.map(|day| format!("          <Day>{day}</Day>\n")).collect::<Vec<_>>().concat();
            ("ScheduleByMonth", format!("        <DaysOfMonth>\n{days}        </DaysOfMonth>\n{months}"))
        }
        (Some(_), Some(_), _) => {
            return Err(format!(
                "'{}' wants days that are of the month and of the week at once: Task Scheduler takes either; say one of \
                 them as '*'",
                times.expression()
            ));
        }
    };
    Ok(format!("      <{name}>\n{inner}      </{name}>\n"))
}

/// An argument as `CommandLineToArgvW` and the runtime of C take it apart.
pub(super) fn quoted(word: &str) -> String {
    if !word.is_empty() && !word.contains([' ', '\t', '"']) {
        return word.to_owned();
    }
    let (mut text, mut slashes) = ("\"".to_owned(), 0);
    for c in word.chars() {
        if c == '"' {
            text.extend(std::iter::repeat_n('\\', slashes + 1));
        }
        slashes = if c == '\\' { slashes + 1 } else { 0 };
        text.push(c);
    }
    text.extend(std::iter::repeat_n('\\', slashes));
    text.push('"');
    text
}

#[cfg(test)]
mod tests {
    use super::super::plan::example;
    use super::*;
    use crate::parse::task::{Action, task as read};
    use proptest::prelude::*;

    fn here() -> Here {
        Here { system_root: r"C:\Windows".to_owned() }
    }

    #[test]
    fn the_task_is_read_back() {
        let mut plan = example(&["scan", "--output", r"C:\Program Data\<r>.json"], "17 3 * * *", 1800);
        plan.program = r"C:\Program Files\interdict\interdict.exe".to_owned();
        let setup = setup(&plan, &here()).unwrap();
        let (got, faults) = read(&setup.files[0].bytes);
        assert_eq!(faults, []);
        assert!(
            matches!(&got.actions[..], [Action::Exec { command, .. }] if *command == plan.program),
            "{got:?}"
        );
        let text = task(&plan).unwrap();
        assert!(
            text.contains(
                "<Arguments>scan --output &quot;C:\\Program Data\\&lt;r&gt;.json&quot;</Arguments>"
            ),
            "{text}"
        );
        assert!(
            text.contains("T03:17:00<")
                && text.contains("<RandomDelay>PT30M<")
                && text.contains("<DaysInterval>1<")
        );
    }

    #[test]
    fn times_become_triggers() {
        let all = |when: &str| triggers(&Times::read(when).unwrap(), "PT0S");
        let count = |when: &str| all(when).unwrap().matches("<CalendarTrigger>").count();
        assert_eq!(
            (count("17 * * * *"), count("*/10 * * * *"), count("0 6,18 * * *"), count("0 6,9 * * *")),
            (1, 1, 1, 2)
        );
        assert!(all("*/10 * * * *").unwrap().contains("<Interval>PT10M</Interval>"));
        assert!(all("0 3 * * 1").unwrap().contains("<ScheduleByWeek>"));
        assert!(all("0 3 * 1 1").unwrap().contains("<Week>Last</Week>"));
        assert!(all("0 3 * 1 *").unwrap().contains("<Day>31</Day>"));
        assert_eq!(count("0 3 1 * 1"), 2);
        assert!(all("0 3 */2 * 1").unwrap_err().contains("either"));
        assert!(all("*/5 3-9 * * *").unwrap_err().contains("48"));
    }

    #[test]
    fn what_would_become_a_variable_is_refused() {
        for word in ["%TEMP%", "$(Arg0)"] {
            assert!(task(&example(&["scan", word], "17 3 * * *", 0)).unwrap_err().contains("variable"));
        }
    }

    /// After "Parsing C++ command-line arguments" of Microsoft.
    fn apart(line: &str) -> Vec<String> {
        let (mut words, mut word, mut open, mut any, mut slashes) =
            (Vec::new(), String::new(), false, false, 0);
        for c in line.chars().chain([' ']) {
            if c == '\\' {
                slashes += 1;
                continue;
            }
            let count = if c == '"' { slashes / 2 } else { slashes };
            word.extend(std::iter::repeat_n('\\', count));
            any |= slashes > 0;
            match c {
                '"' if slashes % 2 == 1 => word.push('"'),
                '"' => (open, any) = (!open, true),
                ' ' | '\t' if !open => {
                    words.extend(any.then(|| std::mem::take(&mut word)));
                    any = false;
                }
                c => {
                    word.push(c);
                    any = true;
                }
            }
            slashes = 0;
        }
        words
    }

    proptest! {
        #[test]
        fn arguments_come_through(arguments in proptest::collection::vec("\\PC{0,12}|[\\\\\" ]{0,8}", 0..6)) {
            let line = arguments.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ");
            prop_assert_eq!(apart(&line), arguments);
        }
    }
}
