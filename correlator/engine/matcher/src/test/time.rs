//! Parts of RFC 3339 timestamps, in the timestamp's own offset.

use crate::form::TimePart;

struct Date {
    year: i64,
    month: i64,
    day: i64,
}

/// A part of a timestamp (`2026-03-01T23:59:60.5+01:00`), or nothing where the text is none.
pub fn part_of(text: &[u8], part: TimePart) -> Option<i64> {
    let (date, rest) = (text.get(..10)?, text.get(10..)?);
    let date = parse_date(date)?;
    let (hour, minute) = parse_time(rest)?;
    Some(match part {
        TimePart::Minute => minute,
        TimePart::Hour => hour,
        TimePart::Day => date.day,
        TimePart::Week => date.week(),
        TimePart::Month => date.month,
        TimePart::Year => date.year,
    })
}

fn parse_date(text: &[u8]) -> Option<Date> {
    let date = Date { year: digits(text, 0, 4)?, month: digits(text, 5, 2)?, day: digits(text, 8, 2)? };
    let shaped = text[4] == b'-' && text[7] == b'-';
    (shaped && (1..=12).contains(&date.month) && (1..=date.days_in_month()).contains(&date.day)).then_some(date)
}

/// Hour and minute of `Thh:mm:ss[.fraction]offset`.
fn parse_time(text: &[u8]) -> Option<(i64, i64)> {
    let shaped = matches!(text.first()?, b'T' | b't' | b' ') && text.get(3)? == &b':' && text.get(6)? == &b':';
    let (hour, minute, second) = (digits(text, 1, 2)?, digits(text, 4, 2)?, digits(text, 7, 2)?);
    let mut rest = &text[9..];
    if let Some(fraction) = rest.strip_prefix(b".") {
        let length = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
        rest = (length > 0).then(|| &fraction[length..])?;
    }
    (shaped && hour < 24 && minute < 60 && second <= 60 && is_offset(rest)).then_some((hour, minute))
}

fn is_offset(text: &[u8]) -> bool {
    match text {
        b"Z" | b"z" => true,
        [b'+' | b'-', _, _, b':', _, _] => {
            digits(text, 1, 2).is_some_and(|hour| hour < 24) && digits(text, 4, 2).is_some_and(|minute| minute < 60)
        }
        _ => false,
    }
}

fn digits(text: &[u8], at: usize, count: usize) -> Option<i64> {
    let digits = text.get(at..at + count)?;
    digits.iter().try_fold(0, |value, byte| byte.is_ascii_digit().then(|| value * 10 + i64::from(byte - b'0')))
}

impl Date {
    fn days_in_month(&self) -> i64 {
        match self.month {
            4 | 6 | 9 | 11 => 30,
            2 => 28 + i64::from(is_leap(self.year)),
            _ => 31,
        }
    }

    fn day_of_year(&self) -> i64 {
        let earlier = (1..self.month).map(|month| Self { month, ..*self }.days_in_month());
        earlier.sum::<i64>() + self.day
    }

    /// ISO 8601: the week that holds the year's first Thursday is its first.
    fn week(&self) -> i64 {
        let first = weekday_of_first(self.year);
        let ordinal = self.day_of_year();
        let weekday = (first + ordinal - 2) % 7 + 1;
        match (ordinal - weekday + 10) / 7 {
            0 => weeks_in(self.year - 1),
            week if week > weeks_in(self.year) => 1,
            week => week,
        }
    }
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// Weekday of 1 January, 1 for Monday to 7 for Sunday (proleptic Gregorian).
fn weekday_of_first(year: i64) -> i64 {
    let before = year + 399; // one cycle on, so that year 0 has a year before it
    (before * 365 + before / 4 - before / 100 + before / 400) % 7 + 1
}

/// 53 in a year that starts on a Thursday, or a leap year that starts on a Wednesday.
fn weeks_in(year: i64) -> i64 {
    let first = weekday_of_first(year);
    52 + i64::from(first == 4 || (first == 3 && is_leap(year)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_in_the_offset_of_the_timestamp() {
        let text = b"2024-02-29T23:07:60.123456789+05:30";
        let parts = [TimePart::Minute, TimePart::Hour, TimePart::Day, TimePart::Week, TimePart::Month, TimePart::Year];
        assert_eq!(parts.map(|part| part_of(text, part).unwrap()), [7, 23, 29, 9, 2, 2024]);
    }

    #[test]
    fn weeks_are_those_of_iso_8601() {
        for (date, week) in [
            ("2005-01-01", 53),
            ("2005-01-02", 53),
            ("2005-12-31", 52),
            ("2007-01-01", 1),
            ("2008-12-29", 1),
            ("2010-01-03", 53),
            ("2020-12-31", 53),
            ("2021-01-03", 53),
            ("2021-01-04", 1),
            ("2026-06-15", 25),
        ] {
            assert_eq!(part_of(format!("{date}T00:00:00Z").as_bytes(), TimePart::Week), Some(week), "{date}");
        }
    }

    #[test]
    fn other_text_is_no_timestamp() {
        for text in [
            "",
            "2024-02-30T00:00:00Z",
            "2023-02-29T00:00:00Z",
            "2024-13-01T00:00:00Z",
            "2024-01-01T24:00:00Z",
            "2024-01-01T00:00:00",
            "2024-01-01T00:00:00.Z",
            "2024-01-01",
            "2024-01-01T00:00:00+1:00",
            "2024/01/01T00:00:00Z",
        ] {
            assert_eq!(part_of(text.as_bytes(), TimePart::Year), None, "{text}");
        }
    }
}
