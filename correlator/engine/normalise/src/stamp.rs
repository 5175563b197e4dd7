//! Times in the one spelling that nearly all records have: `2025-12-11 06:17:19.636`, with `T` and `Z` or without.

const SHORT: usize = "2025-12-11T06:17:19".len();
/// Longer fractions are left to the long way.
const LONGEST: usize = SHORT + 12;

/// A time as RFC 3339; none where it is spelled in any other way, or is no time.
pub fn read(text: &[u8]) -> Option<String> {
    let bare = text.strip_suffix(b"Z").unwrap_or(text);
    if bare.len() < SHORT || bare.len() > LONGEST || !is_date(&bare[..10]) || !is_clock(&bare[11..]) {
        return None;
    }
    if !matches!(bare[10], b' ' | b'T') {
        return None;
    }
    let (day, clock) = (str::from_utf8(&bare[..10]).ok()?, str::from_utf8(&bare[11..]).ok()?);
    Some(format!("{day}T{clock}Z"))
}

/// The same instant with the fraction as Impetus writes it: six digits, or none where they are all 0.
pub fn rewrite(stamp: &str) -> String {
    let (whole, fraction) = stamp.trim_end_matches('Z').split_once('.').unwrap_or((stamp.trim_end_matches('Z'), ""));
    let digits: String = fraction.chars().chain(std::iter::repeat('0')).take(6).collect();
    if digits == "000000" { format!("{whole}Z") } else { format!("{whole}.{digits}Z") }
}

/// µs since the epoch of a time as `2025-12-11T06:17:19Z`, with a fraction of up to six digits or without; none where it
/// is spelled in any other way, or is no time.
pub fn micros(text: &[u8]) -> Option<i64> {
    let bare = text.strip_suffix(b"Z")?;
    let fits = (SHORT..=SHORT + ".636000".len()).contains(&bare.len()) && bare[10] == b'T';
    if !fits || !is_date(&bare[..10]) || !is_clock(&bare[11..]) {
        return None;
    }
    let part = |from: usize, to: usize| number(&bare[from..to]).and_then(|part| i64::try_from(part).ok());
    let day = day_number(part(0, 4)?, part(5, 7)?, part(8, 10)?);
    let second = (part(11, 13)? * 60 + part(14, 16)?) * 60 + part(17, 19)?;
    let fraction = bare.get(SHORT + 1..).unwrap_or_default();
    let scale = 10_i64.pow(6 - u32::try_from(fraction.len()).ok()?);
    let micros = i64::try_from(number(fraction)?).ok()? * scale;
    Some((day * 86_400 + second) * 1_000_000 + micros)
}

/// Days since 1970-01-01 of a day of the Gregorian calendar, counted in years that begin in March.
fn day_number(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day - 719_469
}

fn is_date(text: &[u8]) -> bool {
    if text[4] != b'-' || text[7] != b'-' {
        return false;
    }
    let (Some(year), Some(month), Some(day)) = (number(&text[..4]), number(&text[5..7]), number(&text[8..10])) else {
        return false;
    };
    year > 0 && (1..=12).contains(&month) && (1..=days(year, month)).contains(&day)
}

fn is_clock(text: &[u8]) -> bool {
    if text[2] != b':' || text[5] != b':' {
        return false;
    }
    let (Some(hour), Some(minute), Some(second)) = (number(&text[..2]), number(&text[3..5]), number(&text[6..8]))
    else {
        return false;
    };
    let fraction = &text[8..];
    let is_fraction =
        fraction.is_empty() || (fraction.len() > 1 && fraction[0] == b'.' && number(&fraction[1..]).is_some());
    hour < 24 && minute < 60 && second < 60 && is_fraction
}

fn number(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0, |sum, digit| digit.is_ascii_digit().then(|| sum * 10 + u64::from(digit - b'0')))
}

fn days(year: u64, month: u64) -> u64 {
    match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_common_spelling_is_read() {
        assert_eq!(read(b"2025-12-11 06:17:19.636").as_deref(), Some("2025-12-11T06:17:19.636Z"));
        assert_eq!(read(b"2024-02-29T23:59:59Z").as_deref(), Some("2024-02-29T23:59:59Z"));
    }

    #[test]
    fn any_other_is_left() {
        for text in [
            "",
            "2025-12-11",
            "2025-02-29 00:00:00",
            "2025-12-11 06:17:60",
            "2025-12-11t06:17:19",
            "2025-12-11 06:17:19.",
        ] {
            assert_eq!(read(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn micros_are_counted_from_the_epoch() {
        assert_eq!(micros(b"1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(micros(b"1969-12-31T23:59:59.5Z"), Some(-500_000));
        assert_eq!(micros(b"2024-02-29T23:59:59.636000Z"), Some(1_709_251_199_636_000));
        assert_eq!(micros(b"0001-01-01T00:00:00Z"), Some(-62_135_596_800_000_000));
        assert_eq!(micros(b"9999-12-31T23:59:59.999999Z"), Some(253_402_300_799_999_999));
        for text in ["2024-02-29T23:59:59", "2024-02-29 23:59:59Z", "2024-02-29T23:59:60Z", "2023-02-29T23:59:59Z"] {
            assert_eq!(micros(text.as_bytes()), None, "{text}");
        }
        assert_eq!(micros(b"2024-02-29T23:59:59.1234567Z"), None);
    }

    #[test]
    fn a_fraction_has_six_digits_or_none() {
        assert_eq!(rewrite("2025-12-11T06:17:19.7725451Z"), "2025-12-11T06:17:19.772545Z");
        assert_eq!(rewrite("2025-12-11T06:17:19.5Z"), "2025-12-11T06:17:19.500000Z");
        assert_eq!(rewrite("2025-12-11T06:17:19.0000009Z"), "2025-12-11T06:17:19Z");
    }
}
