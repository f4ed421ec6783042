//! The schedule of macOS: one daemon of launchd.
//!
//! Called by the front of this folder. Pure. Words after launchd.plist(5) and launchctl(1).

use super::plan::{Call, File, Plan, SAYS, Setup, xml};
use super::when::{Days, Times};

const DAEMON: &str = include_str!("../../../packaging/macos/interdict.scan.plist");
/// Where it lies; launchd wants the file named after the label.
pub(super) const PATH: &str = "/Library/LaunchDaemons/interdict.scan.plist";
const SERVICE: &str = "system/interdict.scan";
pub(super) const LAUNCHCTL: &str = "/bin/launchctl";
/// Times that are written: each is an entry of its own.
const MAX_TIMES: usize = 200;

/// The file and the calls.
pub(super) fn setup(plan: &Plan) -> Result<Setup, String> {
    let text = daemon(plan)?;
    let off = Call::new(LAUNCHCTL, &["bootout", SERVICE]).that_may_fail();
    let enable = Call::new(LAUNCHCTL, &["enable", SERVICE]);
    let on = Call::new(LAUNCHCTL, &["bootstrap", "system", PATH]);
    Ok(Setup {
        files: vec![File::text(PATH, text)],
        enable: vec![off, enable.clone(), on.clone()],
        // It says that it is there already.
        assure: vec![enable, on.that_may_fail()],
    })
}

/// What is called before the file is taken away.
pub(super) fn removal() -> Vec<Call> {
    vec![Call::new(LAUNCHCTL, &["bootout", SERVICE]).that_may_fail()]
}

/// What is asked for its state.
pub(super) fn question() -> Call {
    Call::new(LAUNCHCTL, &["print", SERVICE])
}

/// The daemon of the package with other arguments and times.
fn daemon(plan: &Plan) -> Result<String, String> {
    let words = [&plan.program].into_iter().chain(&plan.arguments);
    let words =
        words.map(|word| format!("\t\t<string>{}</string>\n", xml(word))).collect::<Vec<_>>().concat();
    let intervals = intervals(&plan.own_times()?)?;
    let mut text = String::new();
    let mut passing = false;
    for line in DAEMON.lines() {
        match line.trim() {
            "<plist version=\"1.0\">" => {
                text.extend(["<!-- ", SAYS, " -->\n<!-- ", &plan.mark().line(), " -->\n"]);
            }
            "<key>ProgramArguments</key>" => {
                text.extend([line, "\n\t<array>\n", &words, "\t</array>\n"]);
                passing = true;
            }
            "<key>StartCalendarInterval</key>" => {
                text.extend([line, "\n\t<array>\n", &intervals, "\t</array>\n"]);
                passing = true;
            }
            "</array>" | "</dict>" if passing => {
                passing = false;
                continue;
            }
            _ => {}
        }
        let is_key = line.contains("<key>ProgramArguments<") || line.contains("<key>StartCalendarInterval<");
        if !passing && !is_key {
            text.extend([line, "\n"]);
        }
    }
    Ok(text)
}

/// Entries of `StartCalendarInterval`; what an entry does not name may be any.
fn intervals(times: &Times) -> Result<String, String> {
    let months: Vec<Option<u32>> =
        times.months.map_or(vec![None], |months| months.numbers().map(Some).collect());
    let hours: Vec<Option<u32>> =
        if times.is_hourly() { vec![None] } else { times.hours.numbers().map(Some).collect() };
    let minutes: Vec<u32> = times.minutes.numbers().collect();
    let of_day = || hours.iter().flat_map(|hour| minutes.iter().map(move |minute| (*hour, Some(*minute))));
    let mut entries = Vec::new();
    for day in days(times)? {
        for month in &months {
            let at = |(hour, minute)| entry(&[("Month", *month), day, ("Hour", hour), ("Minute", minute)]);
            entries.extend(of_day().map(at));
        }
    }
    if entries.len() > MAX_TIMES {
        return Err(format!(
            "'{}' would be {} entries of launchd, and {MAX_TIMES} are as many as are written; say fewer times",
            times.expression(),
            entries.len()
        ));
    }
    Ok(entries.concat())
}

/// Days, each by its key.
fn days(times: &Times) -> Result<Vec<(&'static str, Option<u32>)>, String> {
    let mut all = Vec::new();
    for Days { month, week } in times.days() {
        match (month, week) {
            (None, None) => all.push(("Day", None)),
            (Some(days), None) => all.extend(days.numbers().map(|day| ("Day", Some(day)))),
            (None, Some(days)) => all.extend(days.numbers().map(|day| ("Weekday", Some(day)))),
            (Some(_), Some(_)) => {
                return Err(format!(
                    "'{}' wants days that are of the month and of the week at once: launchd takes either; say one of them \
                     as '*'",
                    times.expression()
                ));
            }
        }
    }
    Ok(all)
}

fn entry(keys: &[(&str, Option<u32>)]) -> String {
    let keys = keys.iter().filter_map(|(key, value)| Some((key, (*value)?)));
    let keys = keys
        .map(|(key, value)| format!("\t\t\t<key>{key}</key>\n\t\t\t<integer>{value}</integer>\n"))
        .collect::<Vec<_>>()
        .concat();
    format!("\t\t<dict>\n{keys}\t\t</dict>\n")
}

#[cfg(test)]
mod tests {
    use super::super::plan::{Mark, example};
    use super::*;

    fn read(plan: &Plan) -> plist::Dictionary {
        let text = daemon(plan).unwrap();
        assert_eq!(Mark::find(&text), Some(plan.mark()));
        plist::Value::from_reader_xml(text.as_bytes()).unwrap().into_dictionary().unwrap()
    }

    #[test]
    fn the_daemon_is_that_of_the_package_with_its_own_words() {
        let hostile = ["scan", "--quiet", "<&\"'>--", "a b"];
        let got = read(&example(&hostile, "17 3 * * *", 0));
        let words: Vec<_> = got["ProgramArguments"]
            .as_array()
            .unwrap()
            .iter()
            .map(|word| word.as_string().unwrap())
            .collect();
        assert_eq!(words, [&["/usr/bin/interdict"][..], &hostile].concat());
        let times = got["StartCalendarInterval"].as_array().unwrap();
        let time = times[0].as_dictionary().unwrap();
        assert_eq!((times.len(), time.len()), (1, 2));
        assert_eq!(
            (time["Hour"].as_unsigned_integer(), time["Minute"].as_unsigned_integer()),
            (Some(3), Some(17))
        );
        let package = plist::Value::from_reader_xml(DAEMON.as_bytes()).unwrap().into_dictionary().unwrap();
        for (key, value) in package {
            let other = ["ProgramArguments", "StartCalendarInterval"].contains(&key.as_str());
            assert!(other || got[&key] == value, "{key}");
        }
        assert!(!got.contains_key("Disabled"));
    }

    #[test]
    fn each_time_is_an_entry() {
        let entries = |when: &str| {
            read(&example(&["scan"], when, 0))["StartCalendarInterval"].as_array().unwrap().len()
        };
        assert_eq!((entries("*/15 * * * *"), entries("0 6,18 1 * 1-5"), entries("17 * * * *")), (4, 12, 1));
        assert!(daemon(&example(&["scan"], "0 3 */2 * 1", 0)).unwrap_err().contains("either"));
        assert!(daemon(&example(&["scan"], "*/5 0-22 * * *", 0)).unwrap_err().contains("fewer"));
    }
}
