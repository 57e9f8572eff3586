//! Dates and times.

use std::fmt;

use chrono::{DateTime, Datelike, Duration, Local, NaiveDateTime, TimeZone, Timelike, Utc};

use super::filter;
use crate::{
    engine::{Call, Filter},
    error::{Result, TemplateError},
    scope::Scope,
    value::{Arguments, Object, Value},
};

pub(super) const FILTERS: &[Filter] =
    &[filter("strftime", strftime), filter("to_datetime", to_datetime)];

/// A point in time without a zone, as Python's naive `datetime`.
#[derive(Clone, Copy, PartialEq)]
pub struct Moment(NaiveDateTime);

/// The time now, local or in UTC.
pub fn now(utc: bool) -> Moment {
    Moment(if utc { Utc::now().naive_utc() } else { Local::now().naive_local() })
}

impl Moment {
    /// The moment that a text of ISO 8601 without a zone is.
    pub fn from_iso(text: &str) -> Option<Self> {
        NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f").ok().map(Self)
    }

    pub(crate) fn from_local(time: DateTime<Local>) -> Self {
        Self(time.naive_local())
    }

    /// The moment in a format of `strftime`.
    ///
    /// # Errors
    /// The format has a directive that is not known.
    pub fn format(&self, format: &str) -> Result<String> {
        written(format, &self.0, |moment| Local.from_local_datetime(moment).earliest())
    }
}

/// Python's `str(datetime)`.
impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = self.0.nanosecond() / 1000;
        write!(f, "{}", self.0.format("%Y-%m-%d %H:%M:%S"))?;
        if micros > 0 { write!(f, ".{micros:06}") } else { Ok(()) }
    }
}

impl fmt::Debug for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Object for Moment {
    fn type_name(&self) -> &str {
        "datetime"
    }

    fn rank(&self) -> Option<i64> {
        Some(self.0.and_utc().timestamp_micros())
    }

    fn text(&self) -> Option<String> {
        Some(self.to_string())
    }

    fn get(&self, key: &Value) -> Option<Value> {
        Some(match key.as_str()? {
            "year" => Value::from(self.0.year()),
            "month" => Value::from(self.0.month()),
            "day" => Value::from(self.0.day()),
            "hour" => Value::from(self.0.hour()),
            "minute" => Value::from(self.0.minute()),
            "second" => Value::from(self.0.second()),
            "microsecond" => Value::from(self.0.nanosecond() / 1000),
            _ => return None,
        })
    }

    fn call_method(&self, name: &str, arguments: Arguments, _: &Scope) -> Option<Result<Value>> {
        Some(match name {
            "strftime" => arguments
                .bind("strftime", ["format"], 1)
                .and_then(|[format]| self.format(&format.unwrap_or_default().to_string()))
                .map(Value::from),
            "isoformat" => {
                let text = self.to_string();
                Ok(Value::from(text.replacen(' ', "T", 1)))
            }
            "timestamp" => {
                let local = Local.from_local_datetime(&self.0).earliest();
                Ok(Value::Float(local.map_or(0.0, |moment| moment.timestamp_micros() as f64 / 1e6)))
            }
            "weekday" => Ok(Value::from(self.0.weekday().num_days_from_monday())),
            "isoweekday" => Ok(Value::from(self.0.weekday().number_from_monday())),
            "date" => Ok(Value::from(self.0.format("%Y-%m-%d").to_string())),
            "time" => Ok(Value::from(self.0.format("%H:%M:%S").to_string())),
            _ => return None,
        })
    }
}

/// A span of time, as Python's `timedelta`: what the difference of two moments is.
#[derive(Clone, Copy, Debug)]
pub struct Span(Duration);

impl Object for Span {
    fn type_name(&self) -> &str {
        "timedelta"
    }

    fn rank(&self) -> Option<i64> {
        self.0.num_microseconds()
    }

    fn get(&self, key: &Value) -> Option<Value> {
        let micros = self.0.num_microseconds()?;
        let day = 86_400_000_000;
        Some(match key.as_str()? {
            "days" => Value::from(micros.div_euclid(day)),
            "seconds" => Value::from(micros.rem_euclid(day) / 1_000_000),
            "microseconds" => Value::from(micros.rem_euclid(1_000_000)),
            _ => return None,
        })
    }

    fn call_method(&self, name: &str, _: Arguments, _: &Scope) -> Option<Result<Value>> {
        let micros = self.0.num_microseconds().unwrap_or(i64::MAX);
        (name == "total_seconds").then(|| Ok(Value::Float(micros as f64 / 1e6)))
    }

    fn text(&self) -> Option<String> {
        let micros = self.0.num_microseconds()?;
        let day = 86_400_000_000;
        let (days, rest) = (micros.div_euclid(day), micros.rem_euclid(day));
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

/// The difference of two moments; nothing where the two are no moments.
pub(crate) fn difference(left: &Value, right: &Value) -> Option<Value> {
    let (left, right) = (moment_of(left)?, moment_of(right)?);
    Some(Value::object(Span(left.0.signed_duration_since(right.0))))
}

fn moment_of(value: &Value) -> Option<Moment> {
    let Value::Object(object) = value else { return None };
    if object.type_name() != "datetime" {
        return None;
    }
    let text = object.text()?;
    NaiveDateTime::parse_from_str(&text, "%Y-%m-%d %H:%M:%S%.f").ok().map(Moment)
}

/// A moment in a format of `strftime`, directive by directive, since what Python and chrono take
/// differs.
fn written<Tz: TimeZone>(
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
        let directive = match code {
            '-' => match chars.next() {
                Some(code) => format!("%-{code}"),
                None => "%%-".into(),
            },
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
            | 'u' | 'U' | 'V' | 'w' | 'W' | 'x' | 'X' | 'y' | 'Y' | '%' => format!("%{code}"),
            other => {
                return Err(TemplateError::of_value(format!(
                    "'%{other}' is no directive of strftime"
                )));
            }
        };
        out.push_str(&moment.format(&directive).to_string());
    }
    Ok(out)
}

fn strftime(_: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    let [second, utc] = arguments.bind("strftime", ["second", "utc"], 0)?;
    let utc = utc.is_some_and(|utc| utc.truthy());
    let moment = match second {
        None | Some(Value::None) => Utc::now(),
        Some(second) => {
            let seconds = match second.as_str() {
                Some(text) => text.trim().parse::<f64>().ok(),
                None => second.as_float(),
            };
            let micros = seconds.map(|seconds| (seconds * 1e6) as i64);
            micros.and_then(DateTime::<Utc>::from_timestamp_micros).ok_or_else(|| {
                TemplateError::of_value(format!("Invalid value for epoch value ({second})"))
            })?
        }
    };
    let format = value.to_string();
    let text = if utc {
        written(&format, &moment.naive_utc(), |moment| Some(moment.and_utc()))
    } else {
        let local = moment.with_timezone(&Local);
        written(&format, &local.naive_local(), |_| Some(local))
    };
    text.map(Value::from)
}

fn to_datetime(_: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    let [format] = arguments.bind("to_datetime", ["format"], 0)?;
    let format = format.map_or("%Y-%m-%d %H:%M:%S".to_owned(), |format| format.to_string());
    let text = value.to_string();
    // Python's `%f` is the fraction without its dot.
    let theirs = format.replace(".%f", "%.f");
    let moment = NaiveDateTime::parse_from_str(&text, &theirs)
        .or_else(|_| {
            chrono::NaiveDate::parse_from_str(&text, &theirs)
                .map(|date| date.and_hms_opt(0, 0, 0).unwrap_or_default())
        })
        .map_err(|_| {
            TemplateError::of_value(format!("time data '{text}' does not match format '{format}'"))
        })?;
    Ok(Value::object(Moment(moment)))
}
