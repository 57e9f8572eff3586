//! Filters of dates and times.

use chrono::{DateTime, Local, NaiveDate, NaiveDateTime, Utc};

use super::filter;
use crate::{
    engine::{Call, Filter},
    error::{Result, TemplateError},
    value::{Arguments, Moment, Value, moment::written},
};

pub(super) const FILTERS: &[Filter] =
    &[filter("strftime", strftime), filter("to_datetime", to_datetime)];

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
            NaiveDate::parse_from_str(&text, &theirs)
                .map(|date| date.and_hms_opt(0, 0, 0).unwrap_or_default())
        })
        .map_err(|_| {
            TemplateError::of_value(format!("time data '{text}' does not match format '{format}'"))
        })?;
    Ok(Value::object(Moment::naive(moment)))
}
