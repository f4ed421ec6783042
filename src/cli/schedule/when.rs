//! When a scan is to begin: the five fields of crontab(5), which every platform's own words are made of.
//!
//! Used by the other files of this folder. Pure: must not know the clock, nor any platform.

use std::fmt::Write as _;

const MINUTES_OF_DAY: u32 = 24 * 60;
const MONTHS: &[&str] = &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: &[&str] = &["sun", "mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const NEXT: &str =
    "the five fields are minute, hour, day of the month, month and day of the week, as in '17 3 * * 1-5'";

/// Numbers below 64.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Set(u64);

impl Set {
    fn of(numbers: impl IntoIterator<Item = u32>) -> Self {
        Self(numbers.into_iter().fold(0, |set, number| set | 1 << (number & 63)))
    }

    /// Whether a number is in it.
    pub(super) fn has(self, number: u32) -> bool {
        self.0 >> (number & 63) & 1 == 1
    }

    /// Its numbers, from the least.
    pub(super) fn numbers(self) -> impl Iterator<Item = u32> {
        (0..64).filter(move |number| self.has(*number))
    }

    fn len(self) -> u32 {
        self.0.count_ones()
    }
}

/// Which days: `None` where any will do. Both together mean days that are of both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Days {
    /// Days of the month.
    pub(super) month: Option<Set>,
    /// Days of the week, Sunday 0.
    pub(super) week: Option<Set>,
}

/// The times at which a scan is to begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Times {
    /// Minutes of the hour.
    pub(super) minutes: Set,
    /// Hours of the day.
    pub(super) hours: Set,
    /// Months, from 1; `None` where any will do.
    pub(super) months: Option<Set>,
    days: Set,
    weekdays: Set,
    /// A field of days that begins with `*` narrows the other; two that do not are each enough.
    either: bool,
    /// As they were written: fields of days mean something else when they are written anew.
    text: [String; 5],
}

/// A field of an expression.
struct Field {
    name: &'static str,
    least: u32,
    most: u32,
    names: &'static [&'static str],
}

const FIELDS: [Field; 5] = [
    Field { name: "minute", least: 0, most: 59, names: &[] },
    Field { name: "hour", least: 0, most: 23, names: &[] },
    Field { name: "day of the month", least: 1, most: 31, names: &[] },
    Field { name: "month", least: 1, most: 12, names: MONTHS },
    Field { name: "day of the week", least: 0, most: 7, names: WEEKDAYS },
];

impl Times {
    /// Every day at this hour and minute.
    pub(super) fn daily(hour: u32, minute: u32) -> Result<Self, String> {
        Self::read(&format!("{minute} {hour} * * *"))
    }

    /// Every hour at this minute.
    pub(super) fn hourly(minute: u32) -> Result<Self, String> {
        Self::read(&format!("{minute} * * * *"))
    }

    /// Reads an expression.
    pub(super) fn read(expression: &str) -> Result<Self, String> {
        let words: Vec<String> = expression.split_ascii_whitespace().map(str::to_owned).collect();
        let text: [String; 5] = words.try_into().map_err(|words: Vec<String>| {
            format!("'{expression}' has {} field(s), and not five; {NEXT}", words.len())
        })?;
        let mut sets = [Set(0); 5];
        for ((set, field), word) in sets.iter_mut().zip(&FIELDS).zip(&text) {
            *set = field.read(word)?;
        }
        let [minutes, hours, days, months, weekdays] = sets;
        let weekdays = Set::of(weekdays.numbers().map(|day| day % 7));
        let [_, _, day_text, _, weekday_text] = &text;
        let either = !day_text.starts_with('*') && !weekday_text.starts_with('*');
        let months = (months.len() < 12).then_some(months);
        let times = Self { minutes, hours, months, days, weekdays, either, text };
        match times.longest_days() {
            Some(_) => Ok(times),
            None => Err(format!("'{expression}' never comes: no month of these has such a day; {NEXT}")),
        }
    }

    /// The expression.
    pub(super) fn expression(&self) -> String {
        self.text.join(" ")
    }

    /// The days: where there are two entries, a day of either will do.
    pub(super) fn days(&self) -> Vec<Days> {
        let month = (self.days.len() < 31).then_some(self.days);
        let week = (self.weekdays.len() < 7).then_some(self.weekdays);
        if !self.either {
            return vec![Days { month, week }];
        }
        match (month, week) {
            (Some(_), Some(_)) => vec![Days { month, week: None }, Days { month: None, week }],
            _ => vec![Days { month: None, week: None }],
        }
    }

    /// Whether it comes on every day.
    pub(super) fn is_daily(&self) -> bool {
        self.months.is_none() && self.days().iter().any(|days| days.month.is_none() && days.week.is_none())
    }

    /// Hours and minutes of a day, in their order.
    pub(super) fn of_day(&self) -> impl Iterator<Item = (u32, u32)> {
        self.hours.numbers().flat_map(|hour| self.minutes.numbers().map(move |minute| (hour, minute)))
    }

    /// Whether it comes in every hour.
    pub(super) fn is_hourly(&self) -> bool {
        self.hours.len() == 24
    }

    /// Minutes between one time and the next, where they are nearest.
    pub(super) fn shortest(&self) -> u32 {
        self.gaps().min().unwrap_or(MINUTES_OF_DAY)
    }

    /// The same, where they are farthest, on days that follow one another.
    pub(super) fn steady(&self) -> u32 {
        self.gaps().max().unwrap_or(MINUTES_OF_DAY)
    }

    /// Minutes between one time and the next, where they are farthest: never less than it is.
    pub(super) fn longest(&self) -> u32 {
        let gap = self.steady();
        match self.longest_days() {
            None | Some(1) => gap,
            Some(days) => (days - 1) * MINUTES_OF_DAY + gap,
        }
    }

    /// Minutes from each time of a day to the next, as if it came every day.
    fn gaps(&self) -> impl Iterator<Item = u32> {
        let times: Vec<u32> = self.of_day().map(|(hour, minute)| hour * 60 + minute).collect();
        let again = times.first().map(|first| first + MINUTES_OF_DAY);
        let next: Vec<u32> = times.iter().copied().skip(1).chain(again).collect();
        times.into_iter().zip(next).map(|(one, next)| next - one)
    }

    /// Days between one day and the next, where they are farthest; `None` where no day is one.
    fn longest_days(&self) -> Option<u32> {
        // After 28 years days of the month fall on the same days of the week again.
        let first = jiff::civil::Date::new(2001, 1, 1).ok()?;
        let (mut last, mut longest) = (None, None);
        for (number, date) in (0_u32..).zip(first.series(jiff::Span::new().days(1))).take(28 * 366) {
            if self.has_day(date) {
                longest = longest.max(last.map(|last| number - last));
                last = Some(number);
            }
        }
        longest
    }

    fn has_day(&self, date: jiff::civil::Date) -> bool {
        let number = |value: i8| u32::try_from(value).unwrap_or_default();
        let fits = |set: Option<Set>, value: i8| set.is_none_or(|set| set.has(number(value)));
        let weekday = date.weekday().to_sunday_zero_offset();
        let is_day = |days: Days| fits(days.month, date.day()) && fits(days.week, weekday);
        fits(self.months, date.month()) && self.days().into_iter().any(is_day)
    }

    /// The same, so many minutes (less than a day) later. `None` where five fields cannot say it.
    pub(super) fn later(&self, minutes: u32) -> Option<Self> {
        if minutes == 0 {
            return Some(self.clone());
        }
        let moved = |minute: u32| ((minute + minutes) % 60, (minute + minutes) / 60);
        let mut carries = self.minutes.numbers().map(|minute| moved(minute).1);
        let carry = carries.next()?;
        if !self.is_hourly() && carries.any(|other| other != carry) {
            return None;
        }
        let past_midnight = self.hours.numbers().any(|hour| hour + carry >= 24);
        if past_midnight && !self.is_daily() && !self.is_hourly() {
            return None;
        }
        // Every hour of some days only: the last of them would fall on the next day.
        if self.is_hourly() && !self.is_daily() && self.minutes.numbers().any(|minute| moved(minute).1 > 0) {
            return None;
        }
        let mut later = self.clone();
        later.minutes = Set::of(self.minutes.numbers().map(|minute| moved(minute).0));
        later.hours = Set::of(self.hours.numbers().map(|hour| (hour + carry) % 24));
        let [minute, hour, ..] = &mut later.text;
        (*minute, *hour) = (list(later.minutes, 60), list(later.hours, 24));
        Some(later)
    }
}

impl Field {
    fn read(&self, word: &str) -> Result<Set, String> {
        let mut set = Set(0);
        for part in word.split(',') {
            let numbers = self.part(part).ok_or_else(|| {
                format!(
                    "'{part}' is no {}: a number from {} to {}, a range (1-5), '*', or steps of those (*/10); {NEXT}",
                    self.name, self.least, self.most
                )
            })?;
            set.0 |= numbers.0;
        }
        Ok(set)
    }

    fn part(&self, part: &str) -> Option<Set> {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, Some(number(step)?)),
            None => (part, None),
        };
        let (from, to) = match range.split_once('-') {
            _ if range == "*" => (self.least, self.most),
            Some((from, to)) => (self.value(from)?, self.value(to)?),
            // Steps of one number are read differently by different crons.
            None if step.is_some() => return None,
            None => (self.value(range)?, self.value(range)?),
        };
        let step = step.unwrap_or(1);
        (from <= to && (1..=self.most).contains(&step))
            .then(|| Set::of((from..=to).step_by(usize::try_from(step).unwrap_or(1))))
    }

    fn value(&self, word: &str) -> Option<u32> {
        let named = self.names.iter().position(|name| word.eq_ignore_ascii_case(name));
        let named = named.and_then(|at| u32::try_from(at).ok()).map(|at| at + u32::from(self.least == 1));
        named.or_else(|| number(word)).filter(|value| (self.least..=self.most).contains(value))
    }
}

/// Digits alone: `parse` would take a sign.
fn number(word: &str) -> Option<u32> {
    word.bytes().all(|byte| byte.is_ascii_digit()).then(|| word.parse().ok())?
}

fn list(set: Set, all: u32) -> String {
    if set.len() == all {
        return "*".to_owned();
    }
    set.numbers().map(|number| number.to_string()).collect::<Vec<_>>().join(",")
}

/// Seconds as people write them: `90s`, `30m`, `2h`.
pub(super) fn span(text: &str) -> Result<u32, String> {
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_lowercase());
    let unit = match text.strip_prefix(digits) {
        Some("s") => Some(1),
        Some("m") => Some(60),
        Some("h") => Some(3600),
        _ if text == "0" => Some(1),
        _ => None,
    };
    let seconds = number(digits).filter(|_| !digits.is_empty()).zip(unit);
    seconds
        .and_then(|(number, unit)| number.checked_mul(unit))
        .ok_or_else(|| "write a number with its unit: 90s, 30m, 2h".to_owned())
}

/// The same, written in the largest unit that is exact.
pub(super) fn spelled(seconds: u32) -> String {
    match seconds {
        seconds if seconds > 0 && seconds % 3600 == 0 => format!("{}h", seconds / 3600),
        seconds if seconds > 0 && seconds % 60 == 0 => format!("{}m", seconds / 60),
        seconds => format!("{seconds}s"),
    }
}

/// A span of XML Schema: `PT30M`.
pub(super) fn xml_span(seconds: u32) -> String {
    let mut text = "PT".to_owned();
    for (amount, unit) in [(seconds / 3600, 'H'), (seconds / 60 % 60, 'M'), (seconds % 60, 'S')] {
        if amount > 0 {
            // Writing to a String does not fail.
            let _written = write!(text, "{amount}{unit}");
        }
    }
    if text == "PT" { "PT0S".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn times(text: &str) -> Times {
        Times::read(text).unwrap()
    }

    #[test]
    fn fields_are_read_as_cron_reads_them() {
        let got = times("*/20 1-5/2,23 * jan,3 MON-fri");
        assert_eq!(got.minutes.numbers().collect::<Vec<_>>(), [0, 20, 40]);
        assert_eq!(got.hours.numbers().collect::<Vec<_>>(), [1, 3, 5, 23]);
        assert_eq!(got.months.unwrap().numbers().collect::<Vec<_>>(), [1, 3]);
        let days = got.days();
        assert_eq!((days.len(), days[0].month), (1, None));
        assert_eq!(days[0].week.unwrap().numbers().collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
        assert_eq!(times("0 0 * * 7").days(), times("0 0 * * sun").days());
        // Days of the month or of the week, unless one of them begins with a star.
        assert_eq!(times("0 0 1 * 1").days().len(), 2);
        assert_eq!(times("0 0 */2 * 1").days().len(), 1);
        assert!(times("0 0 1-31 * 1").is_daily());
    }

    #[test]
    fn what_is_wrong_is_told() {
        for (text, part) in [
            ("", "0 field(s)"),
            ("1 2 3 4", "4 field(s)"),
            ("@daily", "1 field(s)"),
            ("60 * * * *", "'60' is no minute"),
            ("* 24 * * *", "no hour"),
            ("* * 0 * *", "no day of the month"),
            ("* * * 13 *", "no month"),
            ("* * * * 8", "no day of the week"),
            ("5/10 * * * *", "'5/10'"),
            ("*/0 * * * *", "'*/0'"),
            ("5-1 * * * *", "'5-1'"),
            ("1,,2 * * * *", "''"),
            ("+1 * * * *", "'+1'"),
            ("0 0 30 2 *", "never comes"),
        ] {
            let error = Times::read(text).unwrap_err();
            assert!(error.contains(part) && error.contains("five fields"), "{text}: {error}");
        }
    }

    #[test]
    fn how_often_it_comes() {
        for (text, shortest, longest) in [
            ("17 3 * * *", 1440, 1440),
            ("17 * * * *", 60, 60),
            ("*/15 * * * *", 15, 15),
            ("0 6,18 * * *", 720, 720),
            ("0 3 * * 1-5", 1440, 3 * 1440),
            ("0 3 1 * *", 1440, 31 * 1440),
            ("0 0 29 2 *", 1440, 1461 * 1440),
        ] {
            assert_eq!((times(text).shortest(), times(text).longest()), (shortest, longest), "{text}");
        }
    }

    #[test]
    fn later_is_said_where_it_can_be() {
        let later = |text: &str, minutes| times(text).later(minutes).map(|times| times.expression());
        assert_eq!(later("17 3 * * *", 0).as_deref(), Some("17 3 * * *"));
        assert_eq!(later("50 23 * * *", 30).as_deref(), Some("20 0 * * *"));
        assert_eq!(later("50 23 * * 1", 30), None);
        assert_eq!(later("50 22 * * 1-5", 30).as_deref(), Some("20 23 * * 1-5"));
        assert_eq!(later("45 * * * *", 30).as_deref(), Some("15 * * * *"));
        assert_eq!(later("0,45 3 * * *", 30), None);
        assert_eq!(later("0,45 * * * *", 30).as_deref(), Some("15,30 * * * *"));
    }

    #[test]
    fn spans() {
        assert_eq!(["90s", "30m", "2h", "0"].map(|text| span(text).unwrap()), [90, 1800, 7200, 0]);
        for wrong in ["", "m", "30", "30d", "-1m", "1.5h", "99999999h"] {
            assert!(span(wrong).is_err(), "{wrong}");
        }
        assert_eq!([90, 1800, 7200, 0].map(spelled), ["90s", "30m", "2h", "0s"]);
        assert_eq!([90, 1800, 7200, 0].map(xml_span), ["PT1M30S", "PT30M", "PT2H", "PT0S"]);
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[-0-9*/, a-z@]{0,30}") {
            if let Ok(times) = Times::read(&text) {
                prop_assert!(times.shortest() <= times.longest());
                prop_assert_eq!(Times::read(&times.expression()).unwrap().expression(), times.expression());
            }
        }

        #[test]
        fn later_moves_every_time(minute in 0_u32..60, hour in 0_u32..24, by in 0_u32..1440) {
            let times = Times::daily(hour, minute).unwrap();
            let later = times.later(by).unwrap();
            let at = (hour * 60 + minute + by) % 1440;
            prop_assert_eq!(later.of_day().collect::<Vec<_>>(), [(at / 60, at % 60)]);
        }
    }
}
