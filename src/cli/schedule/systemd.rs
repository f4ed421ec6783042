//! The schedule of systemd: the units of the package, with other times and another scan. Where the package's units are there
//! they stay, and what differs goes into drop-ins beside them, so that an upgrade still brings its own; else they are written
//! whole. What is to be told to the collector waits in the spool for the package's units `interdict-ship`: the unit that scans
//! has no network, and the one that sends sees nothing else.
//!
//! Called by the front of this folder. Pure. Words after systemd.service(5), systemd.timer(5) and systemd.syntax(7), as far as
//! systemd 219 (RHEL 7) knows them.

use std::path::Path;

use super::plan::{Call, File, Plan, SAYS, Setup};
use super::when::{Days, Times, spelled};

const SERVICE: &str = include_str!("../../../packaging/linux/interdict.service");
const TIMER: &str = include_str!("../../../packaging/linux/interdict.timer");
/// Where an administrator's units lie.
const FOLDER: &str = "/etc/systemd/system";
/// Where the package's lie.
pub(super) const PACKAGED: [&str; 2] =
    ["/usr/lib/systemd/system/interdict.service", "/lib/systemd/system/interdict.service"];
/// Where the package's unit lies that sends.
pub(super) const SENDS: [&str; 2] =
    ["/usr/lib/systemd/system/interdict-ship.service", "/lib/systemd/system/interdict-ship.service"];
/// What starts it. They are stopped with the timer of the scan, of which they say that they are a part.
const SHIP_UNITS: [&str; 2] = ["interdict-ship.path", "interdict-ship.timer"];
/// Whose files the spool holds.
const SHIP_GROUP: &str = "interdict-ship";
/// Where systemctl lies.
pub(super) const SYSTEMCTL: [&str; 2] = ["/usr/bin/systemctl", "/bin/systemctl"];
/// What is there while a timer is enabled.
pub(super) const WANTED: &str = "/etc/systemd/system/timers.target.wants/interdict.timer";
/// When the timer last ran; systemd reads it to make up for what was missed.
pub(super) const STAMP: &str = "/var/lib/systemd/timers/stamp-interdict.timer";
const UNIT: &str = "interdict.timer";
const ABOUT: &str = "Description=Scheduled software compliance scan (interdict)";
/// What the package's timer says, in the five fields of cron and seconds.
pub(super) const PACKAGED_WHEN: (&str, u32) = ("0 0 * * *", 7200);

/// How it is with the computer.
#[derive(Debug, Clone)]
pub(super) struct Here {
    /// Where systemctl is.
    pub(super) systemctl: String,
    /// Whether systemd runs, and not only lies there.
    pub(super) runs: bool,
    /// Whether the package's units are there.
    pub(super) packaged: bool,
    /// Whether the package's unit is there that sends.
    pub(super) sends: bool,
}

/// Paths of all files that a schedule may have, the timer's first.
pub(super) fn paths() -> [String; 4] {
    [
        format!("{FOLDER}/interdict.timer.d/schedule.conf"),
        format!("{FOLDER}/interdict.timer"),
        format!("{FOLDER}/interdict.service.d/schedule.conf"),
        format!("{FOLDER}/interdict.service"),
    ]
}

/// Whether a folder is one of drop-ins.
pub(super) fn is_part(folder: &Path) -> bool {
    folder.extension().is_some_and(|end| end == "d")
}

/// Files and calls.
pub(super) fn setup(plan: &Plan, here: &Here) -> Result<Setup, String> {
    if plan.ships && !(here.packaged && here.sends) {
        return Err("the scan of systemd has no network, and what it found is sent by the unit interdict-ship.service, as a user of \
                    its own: both are of the package (.deb, .rpm), which is not installed; or write for cron (--platform cron), \
                    where root scans and sends"
            .to_owned());
    }
    let [timer_part, timer, service_part, service] = paths();
    let (service_lines, timer_lines) = (service_lines(plan), timer_lines(plan));
    let head = format!("# {SAYS}\n# {}\n", plan.mark().line());
    let files = if here.packaged {
        vec![
            File::text(service_part, head.clone() + &drop_in("Service", &service_lines)),
            File::text(timer_part, format!("{head}{}\n{}", timer_unit(plan), drop_in("Timer", &timer_lines))),
        ]
    } else {
        vec![
            File::text(service, head.clone() + &rewritten(SERVICE, &service_lines)),
            File::text(
                timer,
                head + &rewritten(TIMER, &timer_lines)
                    .replace("Description=Daily software compliance scan (interdict)", ABOUT),
            ),
        ]
    };
    let call = |args: &[&str]| Call::new(&here.systemctl, args);
    let on = call(&["--quiet", "enable", UNIT]);
    let start = call(&["start", UNIT]);
    let again = call(&["restart", UNIT]);
    let running = |calls: Vec<Call>| if here.runs { calls } else { vec![on.clone()] };
    let mut enable = vec![call(&["daemon-reload"]), on.clone(), again];
    enable.extend((here.sends && !plan.ships).then(|| no_more(here)));
    Ok(Setup { files, enable: running(enable), assure: running(vec![on.clone(), start]) })
}

/// Stops what starts the unit that sends.
fn no_more(here: &Here) -> Call {
    let [path, timer] = SHIP_UNITS;
    Call::new(&here.systemctl, &["stop", path, timer]).that_may_fail()
}

/// The head of the timer's drop-in: with it starts what waits for the spool to be filled.
fn timer_unit(plan: &Plan) -> String {
    let wants = if plan.ships { format!("Wants={}\n", SHIP_UNITS.join(" ")) } else { String::new() };
    format!("[Unit]\n{ABOUT}\n{wants}")
}

/// What is called before the files are taken away, and after.
pub(super) fn removal(here: &Here, keep_enabled: bool) -> (Vec<Call>, Vec<Call>) {
    let call = |args: &[&str]| Call::new(&here.systemctl, args);
    let (mut before, mut after) = (Vec::new(), Vec::new());
    if !keep_enabled {
        before.extend(here.runs.then(|| call(&["stop", UNIT]).that_may_fail()));
        before.push(call(&["--quiet", "disable", UNIT]).that_may_fail());
    }
    before.extend((here.runs && here.sends).then(|| no_more(here)));
    after.extend(here.runs.then(|| call(&["daemon-reload"])));
    after.extend((here.runs && keep_enabled).then(|| call(&["restart", UNIT]).that_may_fail()));
    (before, after)
}

/// What of the service is said anew: a key, and its lines.
fn service_lines(plan: &Plan) -> Vec<(&'static str, Vec<String>)> {
    let program = quoted(&plan.program.replace('%', "%%"));
    let words = plan.arguments.iter().map(|word| argument(word));
    let line = [program].into_iter().chain(words).collect::<Vec<_>>().join(" ");
    let writes = plan.writes.iter().map(|folder| quoted(&folder.replace('%', "%%"))).collect();
    // Root has no power over files of others there: it puts into the spool as one of the group.
    let group = plan.ships.then(|| SHIP_GROUP.to_owned()).into_iter().collect();
    vec![("ExecStart", vec![line]), ("ReadWritePaths", writes), ("SupplementaryGroups", group)]
}

fn timer_lines(plan: &Plan) -> Vec<(&'static str, Vec<String>)> {
    vec![("OnCalendar", calendar(&plan.times)), ("RandomizedDelaySec", vec![spelled(plan.jitter)])]
}

/// Lists are emptied before they are said anew; what holds one value need not be.
fn drop_in(section: &str, keys: &[(&str, Vec<String>)]) -> String {
    let mut text = format!("[{section}]\n");
    for (key, lines) in keys {
        if ["ExecStart", "OnCalendar"].contains(key) {
            text.extend([*key, "=\n"]);
        }
        for line in lines {
            text.extend([key, "=", line, "\n"]);
        }
    }
    text
}

/// The unit, with the lines of these keys in the place of its own; a key that it has not follows the first that it has.
fn rewritten(unit: &str, keys: &[(&str, Vec<String>)]) -> String {
    let mut text = String::new();
    let all = |text: &mut String, keys: &[(&str, Vec<String>)]| {
        for (key, lines) in keys {
            for line in lines {
                text.extend([key, "=", line, "\n"]);
            }
        }
    };
    let first = keys.first().map(|(key, _)| *key);
    for line in unit.lines() {
        match line.split_once('=').filter(|(key, _)| keys.iter().any(|(name, _)| name == key)) {
            Some((key, _)) if Some(key) == first => all(&mut text, keys),
            Some(_) => {}
            None => text.extend([line, "\n"]),
        }
    }
    text
}

/// Calendar events, one for each way in which a day may be one.
pub(super) fn calendar(times: &Times) -> Vec<String> {
    let weekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
    let month = times.months.map_or("*".to_owned(), |months| padded(months.numbers()));
    let (hours, minutes) = (&times.hours, &times.minutes);
    let hours = if times.is_hourly() { "*".to_owned() } else { padded(hours.numbers()) };
    let minutes = padded(minutes.numbers());
    let event = |days: Days| {
        let named = |week: super::when::Set| {
            let all = weekdays.iter().zip(0..).filter(|(_, number)| week.has(*number)).map(|(name, _)| *name);
            all.collect::<Vec<_>>().join(",") + " "
        };
        let week = days.week.map(named).unwrap_or_default();
        let day = days.month.map_or("*".to_owned(), |days| padded(days.numbers()));
        format!("{week}*-{month}-{day} {hours}:{minutes}:00")
    };
    times.days().into_iter().map(event).collect()
}

/// Lists alone: ranges and steps are younger than systemd 219.
fn padded(numbers: impl Iterator<Item = u32>) -> String {
    numbers.map(|number| format!("{number:02}")).collect::<Vec<_>>().join(",")
}

/// An argument of `ExecStart`: specifiers and variables stand for themselves.
pub(super) fn argument(word: &str) -> String {
    quoted(&word.replace('%', "%%").replace('$', "$$"))
}

/// A word that may hold anything but control characters.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "%$_./:=,@+-".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("\"{}\"", word.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::super::plan::example;
    use super::*;
    use crate::parse::command::Escapes;
    use crate::parse::command::first_word;
    use proptest::prelude::*;

    fn here(packaged: bool) -> Here {
        Here { systemctl: SYSTEMCTL[0].to_owned(), runs: true, packaged, sends: packaged }
    }

    /// The words of a line of `ExecStart`, as systemd reads them.
    fn words(line: &str) -> Vec<String> {
        let (mut rest, mut words) = (line.as_bytes(), Vec::new());
        while let Some((word, tail)) = first_word(rest, Escapes::Systemd) {
            words.push(String::from_utf8(word).unwrap().replace("$$", "$").replace("%%", "%"));
            rest = tail;
        }
        words
    }

    #[test]
    fn the_packages_own_plan_makes_the_packages_own_service() {
        let packaged = ["scan", "--quiet", "--format", "json", "--output", "/var/lib/interdict/report.json"];
        let setup = setup(&example(&packaged, PACKAGED_WHEN.0, PACKAGED_WHEN.1), &here(false)).unwrap();
        let text = String::from_utf8(setup.files[0].bytes.clone()).unwrap();
        assert_eq!(text.splitn(3, '\n').nth(2).unwrap(), SERVICE);
        let timer = String::from_utf8(setup.files[1].bytes.clone()).unwrap();
        assert!(
            timer.contains("\nOnCalendar=*-*-* 00:00:00\nRandomizedDelaySec=2h\nPersistent=yes\n"),
            "{timer}"
        );
        assert!(timer.contains(ABOUT) && !timer.contains("Daily"));
    }

    #[test]
    fn calendar_events() {
        let all = |text: &str| calendar(&Times::read(text).unwrap());
        assert_eq!(all("17 3 * * *"), ["*-*-* 03:17:00"]);
        assert_eq!(all("*/20 * * * *"), ["*-*-* *:00,20,40:00"]);
        assert_eq!(all("0 3 1 2 1"), ["*-02-01 03:00:00", "Mon *-02-* 03:00:00"]);
        assert_eq!(all("0 3 * * 1-5"), ["Mon,Tue,Wed,Thu,Fri *-*-* 03:00:00"]);
    }

    #[test]
    fn drop_ins_say_only_what_differs() {
        let mut plan = example(&["scan"], "0 3 1 * 1", 0);
        plan.writes = vec!["/srv/a b".to_owned()];
        let made = setup(&plan, &here(true)).unwrap();
        let text = |at: usize| String::from_utf8(made.files[at].bytes.clone()).unwrap();
        assert!(
            text(0).ends_with(
                "[Service]\nExecStart=\nExecStart=/usr/bin/interdict scan\nReadWritePaths=\"/srv/a b\"\n"
            ),
            "{}",
            text(0)
        );
        assert!(text(1).contains("OnCalendar=\nOnCalendar=*-*-01 03:00:00\nOnCalendar=Mon *-*-* 03:00:00\n"));
        assert!(!text(0).contains("Groups") && !text(1).contains("Wants"));
    }

    #[test]
    fn one_unit_scans_and_another_sends() {
        let mut plan = example(&["ship", "--quiet", "--later"], "0 3 * * *", 0);
        plan.ships = true;
        let ships = setup(&plan, &here(true)).unwrap();
        let text = |at: usize| String::from_utf8(ships.files[at].bytes.clone()).unwrap();
        assert!(text(0).ends_with("interdict ship --quiet --later\nSupplementaryGroups=interdict-ship\n"));
        assert!(text(1).contains("\nWants=interdict-ship.path interdict-ship.timer\n\n[Timer]\n"));
        let stops = |setup: &Setup| setup.enable.iter().any(|call| call.args.iter().any(|arg| arg == "stop"));
        assert!(!stops(&ships));
        plan.ships = false;
        assert!(stops(&setup(&plan, &here(true)).unwrap()), "what was told before is told no more");
        plan.ships = true;
        assert!(setup(&plan, &here(false)).unwrap_err().contains("--platform cron"));
    }

    proptest! {
        #[test]
        fn arguments_come_through(arguments in proptest::collection::vec("\\PC{1,20}", 1..6)) {
            let line = arguments.iter().map(|word| argument(word)).collect::<Vec<_>>().join(" ");
            prop_assert_eq!(words(&line), arguments);
        }
    }
}
