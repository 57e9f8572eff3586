//! What time it is.

use module::{
    clock::{local_time, zone_names},
    metadata::since_epoch,
};
use protocol::{Json, JsonMap};

use super::Reader;

const DAYS: [&str; 7] =
    ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// `date_time`.
pub fn read(reader: &Reader<'_>) -> JsonMap {
    let now = reader.host.now();
    let since = since_epoch(now);
    let local = local_time(reader.host, now);
    let (zone, summer_zone) = zone_names(reader.host, now);
    // A whole number of seconds moves the clock from the host's wall to Greenwich.
    let utc_secs = since.as_secs();
    let utc = utc_parts(utc_secs);
    let (year_day, week_day) = days(local.year, local.month, local.day);
    let week = (year_day + 7 - (week_day + 6) % 7) / 7;
    let sign = if local.offset_secs < 0 { '-' } else { '+' };
    let offset = local.offset_secs.unsigned_abs();
    let (micros, epoch) = (since.subsec_micros(), utc_secs.to_string());
    let date = format!("{:04}-{:02}-{:02}", local.year, local.month, local.day);
    let time = format!("{:02}:{:02}:{:02}", local.hour, local.minute, local.second);
    let basic = format!("{}T{}", date.replace('-', ""), time.replace(':', ""));
    let facts = [
        ("year", format!("{:04}", local.year)),
        ("month", format!("{:02}", local.month)),
        ("weekday", DAYS.get(week_day).copied().unwrap_or_default().to_owned()),
        ("weekday_number", week_day.to_string()),
        ("weeknumber", format!("{week:02}")),
        ("day", format!("{:02}", local.day)),
        ("hour", format!("{:02}", local.hour)),
        ("minute", format!("{:02}", local.minute)),
        ("second", format!("{:02}", local.second)),
        ("epoch", epoch.clone()),
        ("epoch_int", epoch),
        ("date", date),
        ("time", time),
        ("iso8601_micro", format!("{utc}.{micros:06}Z")),
        ("iso8601", format!("{utc}Z")),
        ("iso8601_basic", format!("{basic}{micros:06}")),
        ("iso8601_basic_short", basic),
        ("tz", zone),
        ("tz_dst", summer_zone),
        ("tz_offset", format!("{sign}{:02}{:02}", offset / 3600, offset / 60 % 60)),
    ];
    let facts: JsonMap =
        facts.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
    JsonMap::from_iter([("date_time".to_owned(), Json::Object(facts))])
}

/// Date and time of a moment since 1970 in Greenwich.
fn utc_parts(secs: u64) -> String {
    // Days since 0000-03-01, in eras of 400 years (Howard Hinnant, "chrono-compatible low-level
    // date algorithms").
    let days = secs / 86_400 + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let (hour, minute, second) = (secs / 3600 % 24, secs / 60 % 60, secs % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")
}

/// The number of the day in its year, from 0, and in its week, from Sunday.
fn days(year: i32, month: u8, day: u8) -> (usize, usize) {
    const BEFORE: [usize; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let before = BEFORE.get(usize::from(month.saturating_sub(1))).copied().unwrap_or_default();
    let year_day = before + usize::from(is_leap && month > 2) + usize::from(day.max(1)) - 1;
    let years = usize::try_from(year.max(1)).unwrap_or(1) - 1;
    let week_day = (years * 365 + years / 4 - years / 100 + years / 400 + year_day + 1) % 7;
    (year_day, week_day)
}

#[cfg(test)]
mod tests {
    use module::fake::FakeHost;

    use super::*;

    #[test]
    fn time_is_told_as_ansible_does() {
        let facts = read(&Reader::new(&FakeHost::default()));
        for (name, expected) in [
            ("year", "2023"),
            ("weekday", "Tuesday"),
            ("weekday_number", "2"),
            ("weeknumber", "46"),
            ("epoch", "1700000000"),
            ("date", "2023-11-14"),
            ("time", "22:13:20"),
            ("iso8601", "2023-11-14T22:13:20Z"),
            ("iso8601_micro", "2023-11-14T22:13:20.000000Z"),
            ("iso8601_basic", "20231114T221320000000"),
            ("tz", "UTC"),
            ("tz_dst", "UTC"),
            ("tz_offset", "+0000"),
        ] {
            assert_eq!(facts["date_time"][name], expected, "{name}");
        }
    }

    #[test]
    fn days_are_counted() {
        assert_eq!(days(2024, 2, 29), (59, 4));
        assert_eq!(days(2024, 12, 31), (365, 2));
        assert_eq!(days(2000, 1, 1), (0, 6));
        assert_eq!(utc_parts(951_782_400), "2000-02-29T00:00:00");
        assert_eq!(utc_parts(0), "1970-01-01T00:00:00");
    }
}
