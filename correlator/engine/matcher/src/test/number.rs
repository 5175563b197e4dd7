//! Decimal numbers, compared exactly whatever their size.

use std::cmp::Ordering;

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// A decimal number in canonical form: equal numbers are equal values.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Decimal {
    /// Any integer that fits.
    Integer(i64),
    /// Anything else: ±0.d₁d₂d₃… × 10^`magnitude`, the first and the last digit not zero.
    Wide { negative: bool, magnitude: i64, digits: Box<[u8]> },
}

impl Decimal {
    /// Read `[+-] digits [. digits] [e [+-] digits]`; an integral part or a fraction may be missing, not both.
    pub fn parse(text: &[u8]) -> Option<Self> {
        parse_short(text).or_else(|| parse_any(text))
    }

    /// The integer it is, if it is one of 64 bits.
    pub fn integer(&self) -> Option<i64> {
        match self {
            Self::Integer(value) => Some(*value),
            Self::Wide { .. } => None,
        }
    }

    fn widened(&self) -> (bool, i64, Box<[u8]>) {
        match self {
            Self::Wide { negative, magnitude, digits } => (*negative, *magnitude, digits.clone()),
            Self::Integer(value) => {
                let text = value.unsigned_abs().to_string();
                (*value < 0, text.len() as i64, text.trim_end_matches('0').as_bytes().into())
            }
        }
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        if let (Self::Integer(left), Self::Integer(right)) = (self, other) {
            return left.cmp(right);
        }
        let sign = |(negative, _, digits): &(bool, i64, Box<[u8]>)| match (negative, digits.is_empty()) {
            (_, true) => 0,
            (true, _) => -1,
            (false, _) => 1,
        };
        let (left, right) = (self.widened(), other.widened());
        let size = (left.1, &left.2).cmp(&(right.1, &right.2));
        sign(&left).cmp(&sign(&right)).then(if left.0 { size.reverse() } else { size })
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl std::fmt::Display for Decimal {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Integer(value) => write!(formatter, "{value}"),
            Self::Wide { negative, magnitude, digits } => {
                let sign = if *negative { "-" } else { "" };
                let digits = String::from_utf8_lossy(digits);
                match usize::try_from(*magnitude) {
                    Ok(0) => write!(formatter, "{sign}0.{digits}"),
                    Ok(whole) if whole < digits.len() => {
                        write!(formatter, "{sign}{}.{}", &digits[..whole], &digits[whole..])
                    }
                    _ => write!(formatter, "{sign}0.{digits}e{magnitude}"),
                }
            }
        }
    }
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?.get();
        Self::parse(raw.as_bytes()).ok_or_else(|| serde::de::Error::custom(format!("{raw} is no number")))
    }
}

/// The common case: at most 18 digits, perhaps a minus.
fn parse_short(text: &[u8]) -> Option<Decimal> {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    if digits.is_empty() || digits.len() > 18 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let size = digits.iter().fold(0, |value, digit| value * 10 + i64::from(digit - b'0'));
    Some(Decimal::Integer(if digits.len() < text.len() { -size } else { size }))
}

fn parse_any(text: &[u8]) -> Option<Decimal> {
    let (negative, unsigned) = match text.split_first()? {
        (b'-', rest) => (true, rest),
        (b'+', rest) => (false, rest),
        _ => (false, text),
    };
    let (mantissa, exponent) = match unsigned.iter().position(|byte| matches!(byte, b'e' | b'E')) {
        Some(at) => (&unsigned[..at], parse_exponent(&unsigned[at + 1..])?),
        None => (unsigned, 0),
    };
    let point = mantissa.iter().position(|byte| *byte == b'.');
    let (whole, fraction) = point.map_or((mantissa, &[][..]), |at| (&mantissa[..at], &mantissa[at + 1..]));
    let mut digits = [whole, fraction].concat();
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let zeros = digits.iter().take_while(|digit| **digit == b'0').count();
    let magnitude = (whole.len() as i64 - zeros as i64).saturating_add(exponent);
    digits.drain(..zeros);
    digits.truncate(digits.iter().rposition(|digit| *digit != b'0').map_or(0, |last| last + 1));
    Some(canonical(negative, magnitude, digits))
}

/// Exponents beyond 64 bits saturate, which keeps their order against any other number a line can hold.
fn parse_exponent(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text.split_first()? {
        (b'-', rest) => (true, rest),
        (b'+', rest) => (false, rest),
        _ => (false, text),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let add = |value: i64, digit: &u8| value.saturating_mul(10).saturating_add(i64::from(digit - b'0'));
    let size = digits.iter().fold(0, add).min(i64::MAX / 2);
    Some(if negative { -size } else { size })
}

fn canonical(negative: bool, magnitude: i64, digits: Vec<u8>) -> Decimal {
    if digits.is_empty() {
        return Decimal::Integer(0);
    }
    let wide = |digits: Vec<u8>| Decimal::Wide { negative, magnitude, digits: digits.into() };
    if magnitude < digits.len() as i64 || magnitude > 19 {
        return wide(digits);
    }
    let zeros = magnitude as usize - digits.len();
    let size = digits.iter().fold(0i128, |value, digit| value * 10 + i128::from(digit - b'0'));
    let value = size * 10i128.pow(zeros as u32) * if negative { -1 } else { 1 };
    i64::try_from(value).map_or_else(|_| wide(digits), Decimal::Integer)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Decimal {
        Decimal::parse(text.as_bytes()).unwrap_or_else(|| panic!("{text}"))
    }

    #[test]
    fn the_same_number_is_one_value() {
        for same in [
            &["0", "-0", "0.0", "0e9", "+0"][..],
            &["100", "1e2", "100.0", "0.1e3", "00100", "+100"],
            &["-9223372036854775808", "-9223372036854775808.0"],
            &["9223372036854775808", "9.223372036854775808e18"],
            &["0.1", ".1", "1e-1"],
        ] {
            assert!(same.iter().all(|text| number(text) == number(same[0])), "{same:?}");
        }
    }

    #[test]
    fn order_is_exact() {
        let ordered = [
            "-1e99999999999999999999",
            "-18446744073709551616",
            "-1.5",
            "-1",
            "-0.5",
            "0",
            "1e-400",
            "0.1",
            "1",
            "9007199254740992",
            "9007199254740993",
            "9223372036854775807",
            "9223372036854775808",
            "18446744073709551615",
            "18446744073709551615.5",
            "1e400",
        ];
        for pair in ordered.windows(2) {
            assert!(number(pair[0]) < number(pair[1]), "{pair:?}");
        }
    }

    #[test]
    fn other_text_is_no_number() {
        for text in ["", "-", ".", "1e", "e1", "1 ", "0x10", "1_0", "--1", "1.2.3", "NaN", "∞"] {
            assert_eq!(Decimal::parse(text.as_bytes()), None, "{text}");
        }
    }
}
