//! A slow, obvious evaluator of single-event rules, after the Sigma specification 2.1 and the intermediate form.
//!
//! It shares nothing with the crate: rules and events are its own trees, and what the crate is given are their texts.

pub mod draw;
pub mod event;
pub mod rule;

use event::Json;
use rule::{How, Leaf, LogSource, Part, Rule, Source};

/// Whether a rule holds on an event whatever its log source.
pub fn holds(rule: &Rule, event: &Json) -> bool {
    match rule {
        Rule::And(of) => of.iter().all(|part| holds(part, event)),
        Rule::Or(of) => of.iter().any(|part| holds(part, event)),
        Rule::Not(of) => !holds(of, event),
        Rule::Leaf(leaf) => leaf_holds(leaf, event),
    }
}

/// Whether a rule is about events of that log source: each part that it names is one of the event's, in any case.
pub fn applies(source: &LogSource, event: &Json) -> bool {
    const PARTS: [&str; 3] = ["product", "category", "service"];
    let named = PARTS.iter().any(|part| !event.values(&format!("logsource.{part}")).is_empty());
    let prefix = if named { "logsource." } else { "" };
    PARTS.iter().zip(source).all(|(part, wanted)| {
        let met = event.values(&format!("{prefix}{part}"));
        wanted.is_none_or(|wanted| met.iter().filter_map(|value| value.text()).any(|met| lower(&met) == lower(wanted)))
    })
}

fn leaf_holds(leaf: &Leaf, event: &Json) -> bool {
    let texts = |field: &str| event.values(field).into_iter().filter_map(Json::text).collect::<Vec<_>>();
    let source = |source: &Source| match source {
        Source::Field(field) => texts(field),
        Source::Anywhere => event.scalars().into_iter().filter_map(Json::text).collect(),
    };
    match leaf {
        Leaf::Match { field, parts, cased } => texts(field).iter().any(|text| glob(parts, *cased, text)),
        Leaf::Keyword { parts, cased } => {
            let anywhere = [&[Part::AnyRun], parts.as_slice(), &[Part::AnyRun]].concat();
            source(&Source::Anywhere).iter().any(|text| glob(&anywhere, *cased, text))
        }
        Leaf::Number { field, compare, value } => {
            let wanted = number(value).expect("a rule has numbers");
            texts(field).iter().filter_map(|text| number(text)).any(|met| ordered(compare, met.cmp(&wanted)))
        }
        Leaf::Bool { field, value } => texts(field).iter().any(|text| text.to_lowercase() == value.to_string()),
        Leaf::Null { field } => {
            let met = event.values(field);
            met.is_empty() || met.iter().any(|value| matches!(value, Json::Null))
        }
        Leaf::Exists { field, value } => event.values(field).is_empty() != *value,
        Leaf::Re { source: of, pattern } => source(of).iter().any(|text| (pattern.found)(text)),
        Leaf::Cidr { field, network } => texts(field).iter().any(|text| (network.holds)(text)),
        Leaf::FieldRef { field, other, how, cased } => {
            let others = texts(other);
            texts(field).iter().any(|text| others.iter().any(|other| compare(*how, *cased, text, other)))
        }
        Leaf::Time { field, part, compare, value } => {
            texts(field).iter().filter_map(|text| (part.read)(text)).any(|met| ordered(compare, met.cmp(value)))
        }
    }
}

/// `*` is any run, `?` one character. Every way to cut the text is tried.
fn glob(parts: &[Part], cased: bool, text: &str) -> bool {
    let same = |text: &str| if cased { text.to_owned() } else { lower(text) };
    fn fits(parts: &[Part], text: &str) -> bool {
        match parts {
            [] => text.is_empty(),
            [Part::AnyRun, rest @ ..] => {
                let ends = text.char_indices().map(|(at, _)| at).chain([text.len()]);
                ends.into_iter().any(|at| fits(rest, &text[at..]))
            }
            [Part::AnyChar, rest @ ..] => {
                let mut characters = text.chars();
                characters.next().is_some() && fits(rest, characters.as_str())
            }
            [Part::Literal(literal), rest @ ..] => text.strip_prefix(&**literal).is_some_and(|text| fits(rest, text)),
        }
    }
    let parts: Vec<Part> = parts
        .iter()
        .map(|part| match part {
            Part::Literal(literal) => Part::Literal(same(literal)),
            wild => wild.clone(),
        })
        .collect();
    fits(&parts, &same(text))
}

fn compare(how: How, cased: bool, text: &str, other: &str) -> bool {
    let (text, other) = if cased { (text.to_owned(), other.to_owned()) } else { (lower(text), lower(other)) };
    match how {
        How::Eq => text == other,
        How::StartsWith => text.starts_with(&other),
        How::EndsWith => text.ends_with(&other),
        How::Contains => text.contains(&other),
    }
}

/// Simple lower-casing: character by character, one for one.
fn lower(text: &str) -> String {
    let simple = |character: char| match character {
        'İ' => 'i',
        _ => character.to_lowercase().next().unwrap_or(character),
    };
    text.chars().map(simple).collect()
}

/// A number in thousandths; the numbers that are drawn have no more digits behind the point.
fn number(text: &str) -> Option<i128> {
    let (mantissa, exponent) = match text.find(['e', 'E']) {
        Some(at) => (&text[..at], text[at + 1..].parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let unsigned = digits.trim_start_matches(['-', '+']);
    if unsigned.is_empty() || !unsigned.bytes().all(|byte| byte.is_ascii_digit()) || digits.len() > unsigned.len() + 1 {
        return None;
    }
    let shift = exponent + 3 - i32::try_from(fraction.len()).ok()?;
    let value: i128 = digits.parse().ok()?;
    Some(if shift < 0 { value / 10_i128.pow(shift.unsigned_abs()) } else { value * 10_i128.pow(shift.unsigned_abs()) })
}

fn ordered(compare: &str, ordering: std::cmp::Ordering) -> bool {
    match compare {
        "eq" => ordering.is_eq(),
        "lt" => ordering.is_lt(),
        "lte" => ordering.is_le(),
        "gt" => ordering.is_gt(),
        _ => ordering.is_ge(),
    }
}
