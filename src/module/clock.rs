//! The host's local time, without libc: /etc/localtime is read and applied here.

use std::{
    path::Path,
    time::{Duration, SystemTime},
};

use tz::{DateTime, TimeZone, UtcDateTime};

use crate::{Failure, Host, metadata::since_epoch};

/// A moment in the words of the host's wall clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalTime {
    pub year: i32,
    pub month: u8,
    pub day: u8,
    pub hour: u8,
    pub minute: u8,
    pub second: u8,
    pub nanos: u32,
    /// Seconds east of Greenwich.
    pub offset_secs: i32,
}

/// The host's time zone; UTC where it says nothing that can be read.
fn zone(host: &dyn Host) -> TimeZone {
    let file = match host.variable("TZ") {
        Some(name) if !name.is_empty() => {
            let name = name.trim_start_matches(':');
            if name.starts_with('/') {
                name.to_owned()
            } else {
                format!("/usr/share/zoneinfo/{name}")
            }
        }
        _ => "/etc/localtime".into(),
    };
    let read = host.read(Path::new(&file)).ok().flatten();
    read.and_then(|bytes| TimeZone::from_tz_data(&bytes).ok()).unwrap_or_else(TimeZone::utc)
}

/// What the host's time zone is called at a moment, and what in its summer; the same where it has
/// none.
pub fn zone_names(host: &dyn Host, moment: SystemTime) -> (String, String) {
    let zone = zone(host);
    let kind_at = |secs: i64| {
        let kind = zone.find_local_time_type(secs).ok();
        kind.map_or((0, "UTC".to_owned()), |kind| {
            let name = Some(kind.time_zone_designation()).filter(|name| !name.is_empty());
            (kind.ut_offset(), name.unwrap_or("UTC").to_owned())
        })
    };
    let start_of = |month: u8| {
        let year = local_time(host, moment).year;
        UtcDateTime::new(year, month, 1, 0, 0, 0, 0).map_or(0, |time| time.unix_time())
    };
    let now = i64::try_from(since_epoch(moment).as_secs()).unwrap_or(i64::MAX);
    let (january, july) = (kind_at(start_of(1)), kind_at(start_of(7)));
    let summer = if january.0 > july.0 { january.1 } else { july.1 };
    (kind_at(now).1, summer)
}

/// What the host's clock on the wall says at a moment.
pub fn local_time(host: &dyn Host, moment: SystemTime) -> LocalTime {
    let since = since_epoch(moment);
    let secs = i64::try_from(since.as_secs()).unwrap_or(i64::MAX);
    let zone = zone(host);
    let offset = zone.find_local_time_type(secs).map_or(0, |kind| kind.ut_offset());
    let shifted = secs.saturating_add(i64::from(offset));
    match UtcDateTime::from_timespec(shifted, since.subsec_nanos()) {
        Ok(time) => LocalTime {
            year: time.year(),
            month: time.month(),
            day: time.month_day(),
            hour: time.hour(),
            minute: time.minute(),
            second: time.second(),
            nanos: time.nanoseconds(),
            offset_secs: offset,
        },
        Err(_) => LocalTime {
            year: 1970,
            month: 1,
            day: 1,
            hour: 0,
            minute: 0,
            second: 0,
            nanos: 0,
            offset_secs: offset,
        },
    }
}

impl LocalTime {
    /// `2026-11-21 05:25:16.101406`, as Python writes a `datetime`.
    pub fn to_text(self) -> String {
        format!(
            "{:04}-{:02}-{:02} {:02}:{:02}:{:02}.{:06}",
            self.year,
            self.month,
            self.day,
            self.hour,
            self.minute,
            self.second,
            self.nanos / 1000
        )
    }

    /// `2026-11-21@05:25:16~`, as the names of backups end.
    pub fn to_backup_suffix(self) -> String {
        format!(
            "{:04}-{:02}-{:02}@{:02}:{:02}:{:02}~",
            self.year, self.month, self.day, self.hour, self.minute, self.second
        )
    }
}

/// `0:00:00.025327`, as Python writes a `timedelta`.
pub fn duration_text(duration: Duration) -> String {
    let secs = duration.as_secs();
    let days = match secs / 86_400 {
        0 => String::new(),
        1 => "1 day, ".into(),
        days => format!("{days} days, "),
    };
    let (hours, minutes) = (secs / 3600 % 24, secs / 60 % 60);
    format!("{days}{hours}:{minutes:02}:{:02}.{:06}", secs % 60, duration.subsec_micros())
}

/// Reads a local time in one of `strptime`'s formats: `%Y %m %d %H %M %S %y %j %s %%`.
///
/// # Errors
/// A text that does not fit the format, or a letter that is none of those.
pub fn parse_local(host: &dyn Host, text: &str, format: &str) -> Result<SystemTime, Failure> {
    let bad = || Failure::new(format!("time data '{text}' does not match format '{format}'"));
    let (mut year, mut month, mut day) = (1900, 1, 1);
    let (mut hour, mut minute, mut second) = (0, 0, 0);
    let mut rest = text;
    let mut letters = format.chars();
    while let Some(letter) = letters.next() {
        if letter != '%' {
            rest = if letter.is_whitespace() {
                rest.trim_start()
            } else {
                rest.strip_prefix(letter).ok_or_else(bad)?
            };
            continue;
        }
        let directive = letters.next().ok_or_else(bad)?;
        if directive == '%' {
            rest = rest.strip_prefix('%').ok_or_else(bad)?;
            continue;
        }
        let width = match directive {
            'Y' => 4,
            'm' | 'd' | 'H' | 'M' | 'S' | 'y' => 2,
            other => {
                return Err(Failure::new(format!(
                    "the time format '{format}' has %{other}, which is not implemented (there are \
                     %Y %y %m %d %H %M %S %%)"
                )));
            }
        };
        let end = rest.bytes().take(width).take_while(u8::is_ascii_digit).count();
        let (digits, after) = rest.split_at(end);
        let number: u16 = digits.parse().map_err(|_| bad())?;
        rest = after;
        let small = u8::try_from(number);
        match directive {
            'Y' => year = i32::from(number),
            'y' => year = i32::from(number) + if number < 69 { 2000 } else { 1900 },
            'm' => month = small.map_err(|_| bad())?,
            'd' => day = small.map_err(|_| bad())?,
            'H' => hour = small.map_err(|_| bad())?,
            'M' => minute = small.map_err(|_| bad())?,
            _ => second = small.map_err(|_| bad())?,
        }
    }
    if !rest.is_empty() {
        return Err(bad());
    }
    let zone = zone(host);
    let found = DateTime::find(year, month, day, hour, minute, second, 0, zone.as_ref())
        .map_err(|_| bad())?;
    let found = found.unique().or_else(|| found.earliest()).ok_or_else(bad)?;
    let secs = u64::try_from(found.unix_time())
        .map_err(|_| Failure::new(format!("the time '{text}' is before 1970")))?;
    Ok(SystemTime::UNIX_EPOCH + Duration::from_secs(secs))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::FakeHost;

    #[test]
    fn times_are_written_as_python_does() {
        let host = FakeHost::default();
        let moment = SystemTime::UNIX_EPOCH + Duration::new(1_700_000_000, 101_406_000);
        let time = local_time(&host, moment);
        assert_eq!(time.to_text(), "2023-11-14 22:13:20.101406");
        assert_eq!(time.to_backup_suffix(), "2023-11-14@22:13:20~");
        assert_eq!(duration_text(Duration::from_micros(25_327)), "0:00:00.025327");
        assert_eq!(duration_text(Duration::from_secs(90_061)), "1 day, 1:01:01.000000");
    }

    #[test]
    fn times_are_read() {
        let host = FakeHost::default();
        let read = |text, format| parse_local(&host, text, format).map(since_epoch);
        let expected = Duration::from_secs(1_700_000_000);
        assert_eq!(read("202311142213.20", "%Y%m%d%H%M.%S"), Ok(expected));
        assert_eq!(read("14/11/23 22:13:20", "%d/%m/%y %H:%M:%S"), Ok(expected));
        for (text, format) in [
            ("2023", "%Y%m"),
            ("20231340", "%Y%m%d"),
            ("2023x", "%Y"),
            ("2023", "%Y%b"),
            ("1950", "%Y"),
        ] {
            assert!(read(text, format).is_err(), "{text} {format}");
        }
    }
}
