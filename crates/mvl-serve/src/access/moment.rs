//! Moments as people write them: RFC 3339, in UTC. No leap seconds, as in UNIX time.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use toml::value::{Datetime, Offset};

const DAY: u64 = 86_400;

/// Days since 1970-01-01 (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", 2013).
fn days_from_date(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Year, month and day of so many days after 1970-01-01, from the same source.
fn date_from_days(days: i64) -> [i64; 3] {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    [year_of_era + era * 400 + i64::from(month <= 2), month, day]
}

fn since_1970(moment: SystemTime) -> Duration {
    moment.duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// Which day since 1970-01-01 it is, in UTC.
pub(super) fn day_of(moment: SystemTime) -> u64 {
    since_1970(moment).as_secs() / DAY
}

/// How long it is until the next day, in UTC.
pub(super) fn until_next_day(moment: SystemTime) -> Duration {
    Duration::from_secs(DAY - since_1970(moment).as_secs() % DAY)
}

/// A moment with its milliseconds: `2026-01-02T03:04:05.678Z`.
pub(crate) fn written(moment: SystemTime) -> String {
    let since = since_1970(moment);
    let [year, month, day] = date_from_days(i64::try_from(since.as_secs() / DAY).unwrap_or(0));
    let seconds = since.as_secs() % DAY;
    let [hour, minute, second] = [seconds / 3600, seconds / 60 % 60, seconds % 60];
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}Z", since.subsec_millis())
}

/// A moment of a file, which must say date, time and how far from UTC it is.
pub(super) fn read(moment: &Datetime) -> Option<SystemTime> {
    let (date, time, offset) = (moment.date?, moment.time?, moment.offset?);
    let days = days_from_date(date.year.into(), date.month.into(), date.day.into());
    let minutes = match offset {
        Offset::Z => 0,
        Offset::Custom { minutes } => i64::from(minutes),
    };
    let of_day =
        i64::from(time.hour) * 3600 + i64::from(time.minute) * 60 + i64::from(time.second.unwrap_or(0)) - minutes * 60;
    let seconds = u64::try_from(days * DAY as i64 + of_day).ok()?;
    UNIX_EPOCH.checked_add(Duration::new(seconds, time.nanosecond.unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_and_read() {
        for (text, seconds) in [
            ("1970-01-01T00:00:00.000Z", 0),
            ("2000-02-29T23:59:59.000Z", 951_868_799),
            ("2024-03-01T00:00:00.000Z", 1_709_251_200),
            ("2026-11-28T02:34:28.000Z", 1_795_833_268),
            ("2100-02-28T00:00:00.000Z", 4_107_456_000),
        ] {
            let moment = UNIX_EPOCH + Duration::from_secs(seconds);
            assert_eq!(written(moment), text);
            assert_eq!(read(&text.parse().expect("a moment")), Some(moment));
        }
        let at = |text: &str| read(&text.parse().expect("a moment"));
        assert_eq!(at("1970-01-01T02:00:00+02:00"), Some(UNIX_EPOCH));
        assert_eq!(at("1970-01-01T00:00:00"), None, "where?");
        assert_eq!(at("1970-01-01"), None);
        assert_eq!(until_next_day(UNIX_EPOCH + Duration::from_secs(DAY + 1)).as_secs(), DAY - 1);
    }
}
