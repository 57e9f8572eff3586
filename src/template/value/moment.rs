//! Dates, points in time and spans, as Python's `datetime` has them.

use std::fmt::{self, Write as _};

use chrono::{
    DateTime, Datelike, Duration, FixedOffset, Local, NaiveDate, NaiveDateTime, TimeZone, Timelike,
    Utc,
};

use super::{Arguments, Object, Value};
use crate::{
    error::{Result, TemplateError},
    scope::Scope,
};

const DATE: &str = "%Y-%m-%d";

/// A point in time, as Python's `datetime`: naive, or with the offset of its zone.
#[derive(Clone, Copy, PartialEq)]
pub struct Moment {
    time: NaiveDateTime,
    offset: Option<FixedOffset>,
}

/// A date, as Python's `date`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Day(NaiveDate);

/// What a timestamp of YAML is, a [`Day`] or a [`Moment`]; `text` is as Python writes it. A text that
/// is neither stays one.
pub fn from_timestamp(text: &str) -> Value {
    if let Ok(day) = NaiveDate::parse_from_str(text, DATE) {
        return Value::object(Day(day));
    }
    Moment::from_iso(text).map_or_else(|| text.into(), Value::object)
}

impl Moment {
    /// A point in time without a zone.
    pub(crate) fn naive(time: NaiveDateTime) -> Self {
        Self { time, offset: None }
    }

    /// The time now, local or in UTC, without its zone.
    pub(crate) fn now(utc: bool) -> Self {
        Self::naive(if utc { Utc::now().naive_utc() } else { Local::now().naive_local() })
    }

    /// The moment that a text of ISO 8601 is, with a `T` or a blank before its time, with an offset
    /// as `+01:00` or without.
    pub fn from_iso(text: &str) -> Option<Self> {
        let text = text.replacen('T', " ", 1);
        if let Ok(time) = NaiveDateTime::parse_from_str(&text, "%Y-%m-%d %H:%M:%S%.f") {
            return Some(Self::naive(time));
        }
        let zoned = DateTime::parse_from_str(&text, "%Y-%m-%d %H:%M:%S%.f%:z").ok()?;
        Some(Self { time: zoned.naive_local(), offset: Some(*zoned.offset()) })
    }

    pub(crate) fn from_local(time: DateTime<Local>) -> Self {
        Self::naive(time.naive_local())
    }

    /// The moment in a format of `strftime`.
    ///
    /// # Errors
    /// The format has a directive that is not known.
    pub fn format(&self, format: &str) -> Result<String> {
        match self.offset {
            Some(offset) => {
                written(format, &self.time, |time| offset.from_local_datetime(time).earliest())
            }
            None => written(format, &self.time, |time| Local.from_local_datetime(time).earliest()),
        }
    }

    /// In microseconds since 1970, the time as it stands where there is no zone.
    fn micros(&self) -> i64 {
        let offset = self.offset.map_or(0, |offset| i64::from(offset.local_minus_utc()));
        self.time.and_utc().timestamp_micros() - offset * 1_000_000
    }

    /// Seconds since 1970, of local time where there is no zone.
    fn timestamp(&self) -> f64 {
        let micros = match self.offset {
            Some(_) => self.micros(),
            None => Local
                .from_local_datetime(&self.time)
                .earliest()
                .map_or(0, |moment| moment.timestamp_micros()),
        };
        micros as f64 / 1e6
    }

    fn iso(&self) -> String {
        self.to_string().replacen(' ', "T", 1)
    }

    fn zone(&self) -> Value {
        let Some(offset) = self.offset else { return Value::None };
        match offset.local_minus_utc() {
            0 => "UTC".into(),
            _ => Value::from(format!("UTC{offset}")),
        }
    }
}

/// Python's `str(datetime)`.
impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.time.format("%Y-%m-%d %H:%M:%S"), fraction(&self.time))?;
        self.offset.map_or(Ok(()), |offset| write!(f, "{offset}"))
    }
}

/// Python's `repr(datetime)`.
impl fmt::Debug for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = &self.time;
        let (year, month, day) = (time.year(), time.month(), time.day());
        let (hour, minute) = (time.hour(), time.minute());
        write!(f, "datetime.datetime({year}, {month}, {day}, {hour}, {minute}")?;
        let micros = time.nanosecond() / 1000;
        if time.second() > 0 || micros > 0 {
            write!(f, ", {}", time.second())?;
        }
        if micros > 0 {
            write!(f, ", {micros}")?;
        }
        match self.offset.map(|offset| offset.local_minus_utc()) {
            None => {}
            Some(0) => write!(f, ", tzinfo=datetime.timezone.utc")?,
            Some(seconds) => {
                let span = Span(Duration::seconds(seconds.into()));
                write!(f, ", tzinfo=datetime.timezone({span:?})")?;
            }
        }
        write!(f, ")")
    }
}

fn fraction(time: &NaiveDateTime) -> String {
    match time.nanosecond() / 1000 {
        0 => String::new(),
        micros => format!(".{micros:06}"),
    }
}

impl Object for Moment {
    fn type_name(&self) -> &str {
        "datetime"
    }

    fn class_path(&self) -> &str {
        "datetime.datetime"
    }

    /// Naive ones and those with a zone have no order in Python.
    fn rank(&self) -> Option<i64> {
        Some(self.micros())
    }

    fn text(&self) -> Option<String> {
        Some(self.to_string())
    }

    fn repr(&self) -> Option<String> {
        Some(format!("{self:?}"))
    }

    fn json(&self) -> Option<String> {
        Some(self.iso())
    }

    fn get(&self, key: &Value) -> Option<Value> {
        let time = &self.time;
        Some(match key.as_str()? {
            "year" => Value::from(time.year()),
            "month" => Value::from(time.month()),
            "day" => Value::from(time.day()),
            "hour" => Value::from(time.hour()),
            "minute" => Value::from(time.minute()),
            "second" => Value::from(time.second()),
            "microsecond" => Value::from(time.nanosecond() / 1000),
            "tzinfo" => self.zone(),
            _ => return None,
        })
    }

    fn call_method(
        &self,
        name: &str,
        arguments: Arguments,
        scope: &Scope,
    ) -> Option<Result<Value>> {
        let plain = match name {
            "strftime" => return Some(formatted(arguments, |format| self.format(format))),
            "replace" => return Some(self.replaced(arguments)),
            "isoformat" => return Some(self.iso_with(arguments)),
            "timestamp" => Value::Float(self.timestamp()),
            "date" => Value::object(Day(self.time.date())),
            "time" => {
                Value::from(format!("{}{}", self.time.format("%H:%M:%S"), fraction(&self.time)))
            }
            "utcoffset" => self.offset.map_or(Value::None, |offset| {
                Value::object(Span(Duration::seconds(offset.local_minus_utc().into())))
            }),
            "tzname" => self.zone(),
            _ => return Day(self.time.date()).call_method(name, arguments, scope),
        };
        Some(arguments.none(name).map(|()| plain))
    }
}

impl Moment {
    fn iso_with(&self, arguments: Arguments) -> Result<Value> {
        let [separator] = arguments.bind("isoformat", ["sep"], 0)?;
        let separator = separator.map_or("T".to_owned(), |separator| separator.to_string());
        Ok(Value::from(self.to_string().replacen(' ', &separator, 1)))
    }

    fn replaced(&self, arguments: Arguments) -> Result<Value> {
        let names = ["year", "month", "day", "hour", "minute", "second", "microsecond"];
        let [year, month, day, hour, minute, second, micros] =
            arguments.bind("replace", names, 0)?;
        let Day(date) = Day(self.time.date()).with(year, month, day)?;
        let part = |value: Option<Value>, before: u32| whole(value.as_ref(), before);
        let time = &self.time;
        let time = date.and_hms_micro_opt(
            part(hour, time.hour())?,
            part(minute, time.minute())?,
            part(second, time.second())?,
            part(micros, time.nanosecond() / 1000)?,
        );
        let time = time.ok_or_else(|| TemplateError::of_value("there is no such time of a day"))?;
        Ok(Value::object(Self { time, offset: self.offset }))
    }
}

impl Day {
    /// The day with some of it replaced.
    fn with(&self, year: Option<Value>, month: Option<Value>, day: Option<Value>) -> Result<Self> {
        let year = year.map_or(Ok(self.0.year()), |year| {
            year.as_int().and_then(|year| i32::try_from(year).ok()).ok_or_else(no_integer)
        })?;
        let month = whole(month.as_ref(), self.0.month())?;
        let day = whole(day.as_ref(), self.0.day())?;
        NaiveDate::from_ymd_opt(year, month, day)
            .map(Self)
            .ok_or_else(|| TemplateError::of_value("day is out of range for month"))
    }
}

fn whole(value: Option<&Value>, before: u32) -> Result<u32> {
    let Some(value) = value else { return Ok(before) };
    value.as_int().and_then(|number| u32::try_from(number).ok()).ok_or_else(no_integer)
}

fn no_integer() -> TemplateError {
    TemplateError::of_type("a part of a date must be an integer")
}

fn formatted(arguments: Arguments, format: impl Fn(&str) -> Result<String>) -> Result<Value> {
    let [pattern] = arguments.bind("strftime", ["format"], 1)?;
    format(&pattern.unwrap_or_default().to_string()).map(Value::from)
}

impl Object for Day {
    fn type_name(&self) -> &str {
        "date"
    }

    fn class_path(&self) -> &str {
        "datetime.date"
    }

    fn rank(&self) -> Option<i64> {
        Some(self.0.num_days_from_ce().into())
    }

    fn text(&self) -> Option<String> {
        Some(self.0.format(DATE).to_string())
    }

    fn repr(&self) -> Option<String> {
        let (year, month, day) = (self.0.year(), self.0.month(), self.0.day());
        Some(format!("datetime.date({year}, {month}, {day})"))
    }

    fn get(&self, key: &Value) -> Option<Value> {
        Some(match key.as_str()? {
            "year" => Value::from(self.0.year()),
            "month" => Value::from(self.0.month()),
            "day" => Value::from(self.0.day()),
            _ => return None,
        })
    }

    fn call_method(&self, name: &str, arguments: Arguments, _: &Scope) -> Option<Result<Value>> {
        let plain = match name {
            "strftime" => {
                let midnight = Moment::naive(self.0.and_time(chrono::NaiveTime::MIN));
                return Some(formatted(arguments, |format| midnight.format(format)));
            }
            "replace" => {
                let parts = arguments.bind("replace", ["year", "month", "day"], 0);
                let replaced = parts.and_then(|[year, month, day]| self.with(year, month, day));
                return Some(replaced.map(Value::object));
            }
            "isoformat" | "ctime" => {
                let format = if name == "ctime" { "%a %b %e 00:00:00 %Y" } else { DATE };
                Value::from(self.0.format(format).to_string())
            }
            "weekday" => Value::from(self.0.weekday().num_days_from_monday()),
            "isoweekday" => Value::from(self.0.weekday().number_from_monday()),
            "toordinal" => Value::from(self.0.num_days_from_ce()),
            "isocalendar" => {
                let week = self.0.iso_week();
                let weekday = Value::from(self.0.weekday().number_from_monday());
                Value::tuple([Value::from(week.year()), Value::from(week.week()), weekday])
            }
            _ => return None,
        };
        Some(arguments.none(name).map(|()| plain))
    }
}

/// A span of time, as Python's `timedelta`: what the difference of two moments is.
#[derive(Clone, Copy)]
pub struct Span(Duration);

const DAY_MICROS: i64 = 86_400_000_000;

/// Python's `repr(timedelta)`.
impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = self.0.num_microseconds().unwrap_or(i64::MAX);
        let rest = micros.rem_euclid(DAY_MICROS);
        let parts = [
            ("days", micros.div_euclid(DAY_MICROS)),
            ("seconds", rest / 1_000_000),
            ("microseconds", rest % 1_000_000),
        ];
        let parts: Vec<String> = parts
            .iter()
            .filter(|(_, number)| *number != 0)
            .map(|(name, number)| format!("{name}={number}"))
            .collect();
        let parts = if parts.is_empty() { "0".to_owned() } else { parts.join(", ") };
        write!(f, "datetime.timedelta({parts})")
    }
}

impl Object for Span {
    fn type_name(&self) -> &str {
        "timedelta"
    }

    fn class_path(&self) -> &str {
        "datetime.timedelta"
    }

    fn rank(&self) -> Option<i64> {
        self.0.num_microseconds()
    }

    fn truthy(&self) -> bool {
        !self.0.is_zero()
    }

    fn repr(&self) -> Option<String> {
        Some(format!("{self:?}"))
    }

    fn get(&self, key: &Value) -> Option<Value> {
        let micros = self.0.num_microseconds()?;
        Some(match key.as_str()? {
            "days" => Value::from(micros.div_euclid(DAY_MICROS)),
            "seconds" => Value::from(micros.rem_euclid(DAY_MICROS) / 1_000_000),
            "microseconds" => Value::from(micros.rem_euclid(1_000_000)),
            _ => return None,
        })
    }

    fn call_method(&self, name: &str, arguments: Arguments, _: &Scope) -> Option<Result<Value>> {
        let micros = self.0.num_microseconds().unwrap_or(i64::MAX);
        let seconds = Value::Float(micros as f64 / 1e6);
        (name == "total_seconds").then(|| arguments.none(name).map(|()| seconds))
    }

    fn text(&self) -> Option<String> {
        let micros = self.0.num_microseconds()?;
        let (days, rest) = (micros.div_euclid(DAY_MICROS), micros.rem_euclid(DAY_MICROS));
        let seconds = rest / 1_000_000;
        let clock = format!("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
        let fraction = rest % 1_000_000;
        let clock = if fraction > 0 { format!("{clock}.{fraction:06}") } else { clock };
        Some(match days {
            0 => clock,
            1 | -1 => format!("{days} day, {clock}"),
            _ => format!("{days} days, {clock}"),
        })
    }
}

/// The difference of two moments or two days; nothing where the two are neither.
///
/// # Errors
/// One has a zone, the other none.
pub(crate) fn difference(left: &Value, right: &Value) -> Result<Option<Value>> {
    let (Value::Object(left), Value::Object(right)) = (left, right) else { return Ok(None) };
    let name = left.type_name();
    if name != right.type_name() {
        return Ok(None);
    }
    let span = match (name, left.rank(), right.rank()) {
        ("date", Some(left), Some(right)) => Duration::days(left - right),
        ("datetime", Some(to), Some(from)) => {
            if has_zone(&**left) != has_zone(&**right) {
                let why = "can't subtract offset-naive and offset-aware datetimes";
                return Err(TemplateError::of_type(why));
            }
            Duration::microseconds(to - from)
        }
        ("timedelta", Some(left), Some(right)) => Duration::microseconds(left - right),
        _ => return Ok(None),
    };
    Ok(Some(Value::object(Span(span))))
}

fn has_zone(moment: &dyn Object) -> bool {
    moment.get(&"tzinfo".into()).is_some_and(|zone| !zone.is_none())
}

/// A moment in a format of `strftime`, directive by directive, since what Python and chrono take
/// differs.
pub(crate) fn written<Tz: TimeZone>(
    format: &str,
    moment: &NaiveDateTime,
    zoned: impl Fn(&NaiveDateTime) -> Option<DateTime<Tz>>,
) -> Result<String>
where
    Tz::Offset: fmt::Display,
{
    let mut out = String::new();
    let mut chars = format.chars();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let Some(code) = chars.next() else {
            out.push('%');
            break;
        };
        // `%-d`: without the zeros in front.
        let (padding, code) = match code {
            '-' => match chars.next() {
                Some(code) => ("-", code),
                None => {
                    out.push_str("%-");
                    break;
                }
            },
            code => ("", code),
        };
        let directive = match code {
            'f' => {
                out.push_str(&format!("{:06}", moment.nanosecond() / 1000));
                continue;
            }
            's' => {
                let stamp = zoned(moment).map_or(0, |moment| moment.timestamp());
                out.push_str(&stamp.to_string());
                continue;
            }
            'z' | 'Z' => {
                if let Some(moment) = zoned(moment) {
                    out.push_str(&moment.format(&format!("%{code}")).to_string());
                }
                continue;
            }
            'a' | 'A' | 'b' | 'B' | 'c' | 'C' | 'd' | 'D' | 'e' | 'F' | 'g' | 'G' | 'h' | 'H'
            | 'I' | 'j' | 'k' | 'l' | 'm' | 'M' | 'n' | 'p' | 'P' | 'r' | 'R' | 'S' | 't' | 'T'
            | 'u' | 'U' | 'V' | 'w' | 'W' | 'x' | 'X' | 'y' | 'Y' | '%' => {
                // Only numbers are padded.
                let padding = if "CdegGHIjklmMSUVWyY".contains(code) { padding } else { "" };
                format!("%{padding}{code}")
            }
            other => {
                return Err(TemplateError::of_value(format!(
                    "'%{padding}{other}' is no directive of strftime"
                )));
            }
        };
        let _ = write!(out, "{}", moment.format(&directive));
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_directive_is_written_or_refused() {
        let moment = Moment::from_iso("2024-01-05T03:04:05").unwrap();
        for code in ' '..='~' {
            // Neither may end the program.
            let _ = moment.format(&format!("%{code}"));
            let _ = moment.format(&format!("%-{code}"));
        }
        assert_eq!(moment.format("%-d.%-m.%y %-H:%M %-a").unwrap(), "5.1.24 3:04 Fri");
        assert_eq!(moment.format("%").unwrap(), "%");
        assert_eq!(moment.format("%-").unwrap(), "%-");
        assert!(moment.format("%-Q").is_err());
    }
}
