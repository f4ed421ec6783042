//! Days of the calendar and moments, as reports and rules write them.
//!
//! Used by every room. Must not know the clock: today is an argument (`--as-of`).

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A day, written `2024-09-29`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date(jiff::civil::Date);

impl Date {
    /// A day before every law.
    pub const FIRST: Self = Self(jiff::civil::Date::ZERO);

    /// The day of a moment, in UTC.
    pub fn of(stamp: Stamp) -> Self {
        let moment = jiff::Timestamp::from_second(stamp.0).unwrap_or_default();
        Self(jiff::tz::TimeZone::UTC.to_datetime(moment).date())
    }

    /// The day so many days later; none: beyond all days.
    pub fn plus_days(self, days: i64) -> Option<Self> {
        self.0.checked_add(jiff::Span::new().try_days(days).ok()?).ok().map(Self)
    }

    /// Days from `earlier` to this day (negative when it is later).
    pub fn days_since(self, earlier: Self) -> i64 {
        let hours = self.0.duration_since(earlier.0).as_hours();
        hours / 24
    }
}

impl FromStr for Date {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let strict = text.len() == 10 && text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
        match text.parse() {
            Ok(date) if strict => Ok(Self(date)),
            _ => Err(format!("'{text}' is not a date; write it as YYYY-MM-DD, like 2024-09-29")),
        }
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl Serialize for Date {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// In TOML either a date (`2024-07-20`) or the same as a string.
impl<'de> Deserialize<'de> for Date {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Toml(toml::value::Datetime),
            Text(String),
        }
        let text = match Written::deserialize(deserializer)? {
            Written::Toml(date) => date.to_string(),
            Written::Text(text) => text,
        };
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Date {
    fn schema_name() -> Cow<'static, str> {
        "Date".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({ "type": "string", "format": "date" })
    }
}

/// A moment, seconds since 1970-01-01 UTC; written `2024-09-29T12:00:00Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stamp(i64);

impl Stamp {
    /// A moment from Unix seconds; `None` outside the years that a calendar can write.
    pub fn from_unix(seconds: i64) -> Option<Self> {
        jiff::Timestamp::from_second(seconds).ok().map(|_| Self(seconds))
    }

    /// 1970-01-01 UTC.
    pub fn epoch() -> Self {
        Self(0)
    }

    /// Unix seconds.
    pub fn unix(self) -> i64 {
        self.0
    }
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", jiff::Timestamp::from_second(self.0).unwrap_or_default())
    }
}

impl Serialize for Stamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Stamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let moment = text.parse::<jiff::Timestamp>().map_err(serde::de::Error::custom)?;
        Ok(Self(moment.as_second()))
    }
}

impl JsonSchema for Stamp {
    fn schema_name() -> Cow<'static, str> {
        "Stamp".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({ "type": "string", "format": "date-time" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_strict() {
        assert_eq!("2024-09-29".parse::<Date>().unwrap().to_string(), "2024-09-29");
        for bad in ["2024-9-29", "20240929", "2024-02-30", "tomorrow", "", "2024-09-29T00:00:00Z"] {
            assert!(bad.parse::<Date>().unwrap_err().contains("YYYY-MM-DD"), "{bad}");
        }
    }

    #[test]
    fn moments_have_days() {
        let stamp = Stamp::from_unix(1_727_611_200).unwrap();
        assert_eq!(stamp.to_string(), "2024-09-29T12:00:00Z");
        assert_eq!(Date::of(stamp).to_string(), "2024-09-29");
        assert_eq!(Stamp::from_unix(i64::MAX), None);
    }

    #[test]
    fn days_are_counted() {
        let day = |text: &str| text.parse::<Date>().unwrap();
        assert_eq!(day("2024-09-29").days_since(day("2024-07-20")), 71);
        assert_eq!(day("2024-07-20").days_since(day("2024-09-29")), -71);
    }
}
