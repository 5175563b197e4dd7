//! The intermediate form, read strictly: what is not understood is refused, never ignored.

mod expression;
mod leaf;

use serde::Deserialize;
use serde_json::value::RawValue;

pub use expression::Expression;
pub use leaf::{Compare, Field, How, Leaf, Match, Part, TimePart};

use crate::refusal::Refusal;

const VERSION: u64 = 1;

/// One rule of a form.
#[derive(Clone, Debug)]
pub struct Rule {
    pub id: String,
    pub logsource: LogSource,
    pub condition: Expression,
}

/// The log source a rule is about; null parts apply to every event.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Hash)]
#[serde(deny_unknown_fields)]
pub struct LogSource {
    pub product: Option<String>,
    pub category: Option<String>,
    pub service: Option<String>,
}

#[derive(Deserialize)]
struct VersionOnly {
    version: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawForm<'a> {
    #[serde(rename = "version")]
    _version: u64,
    #[serde(borrow)]
    rules: Vec<&'a RawValue>,
    /// Read by the windows, which refuse in them what they cannot do.
    #[serde(rename = "correlations", default)]
    _correlations: serde::de::IgnoredAny,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRule<'a> {
    id: String,
    #[serde(default)]
    logsource: LogSource,
    #[serde(borrow)]
    condition: &'a RawValue,
    /// Read by the windows and the worker.
    #[serde(rename = "alerts", default)]
    _alerts: serde::de::IgnoredAny,
}

/// Read the rules of a form, or say everything in it that cannot be done.
pub fn read(form: &[u8]) -> Result<Vec<Rule>, Vec<Refusal>> {
    let whole = |error: serde_json::Error| vec![Refusal::of_form(error.to_string())];
    let version = serde_json::from_slice::<VersionOnly>(form).map_err(whole)?.version;
    if version != VERSION {
        return Err(vec![Refusal::of_form(format!(
            "version {version} is unknown; this engine reads version {VERSION}"
        ))]);
    }
    let raw: RawForm = serde_json::from_slice(form).map_err(whole)?;
    let mut refusals = Vec::new();
    let rules = raw.rules.iter().enumerate().filter_map(|(index, rule)| read_rule(index, rule, &mut refusals));
    let rules: Vec<Rule> = rules.collect();
    if refusals.is_empty() { Ok(rules) } else { Err(refusals) }
}

fn read_rule(index: usize, raw: &RawValue, refusals: &mut Vec<Refusal>) -> Option<Rule> {
    let rule: RawRule = match serde_json::from_str(raw.get()) {
        Ok(rule) => rule,
        Err(error) => {
            refusals.push(Refusal { rule: name_of(index, raw), op: "rule".into(), what: error.to_string() });
            return None;
        }
    };
    let condition = expression::read(&rule.id, rule.condition, refusals)?;
    Some(Rule { id: rule.id, logsource: rule.logsource, condition })
}

/// The id of a rule that could not be read, where it has one.
fn name_of(index: usize, raw: &RawValue) -> String {
    #[derive(Deserialize)]
    struct IdOnly {
        id: String,
    }
    serde_json::from_str::<IdOnly>(raw.get()).map_or_else(|_| index.to_string(), |rule| rule.id)
}
