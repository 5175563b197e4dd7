//! The correlations of the intermediate form, as they are written.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::refusal::Refusal;

const VERSION: u64 = 1;

/// The document; what only the matcher reads is left out.
#[derive(Debug, Deserialize)]
pub(crate) struct Form {
    version: u64,
    #[serde(default)]
    pub rules: Vec<RuleForm>,
    #[serde(default)]
    pub correlations: Vec<CorrelationForm>,
}

/// A single-event rule: its id, and what it matches as it is written, which tells one definition from another.
#[derive(Debug, Deserialize)]
pub(crate) struct RuleForm {
    pub id: String,
    #[serde(default)]
    pub logsource: Option<Box<RawValue>>,
    #[serde(default)]
    pub condition: Option<Box<RawValue>>,
}

/// One correlation.
#[derive(Debug, Deserialize)]
pub(crate) struct CorrelationForm {
    pub id: String,
    #[serde(rename = "type")]
    pub kind: String,
    pub rules: Vec<usize>,
    #[serde(default)]
    pub group_by: Vec<String>,
    #[serde(default)]
    pub aliases: BTreeMap<String, BTreeMap<String, String>>,
    pub timespan: i64,
    #[serde(default)]
    pub condition: Option<ConditionForm>,
    #[serde(default)]
    pub place: Option<PlaceForm>,
}

/// A condition: comparisons, or an expression over rules.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct ConditionForm {
    #[serde(default)]
    pub cmp: Option<Vec<(String, f64)>>,
    #[serde(default)]
    pub fields: Option<Vec<String>>,
    #[serde(default)]
    pub percentile: Option<f64>,
    #[serde(default)]
    pub expr: Option<Value>,
}

/// The place relation. An unknown key would change what the rule means, so it is an error.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PlaceForm {
    #[serde(default)]
    pub distance: Option<Vec<(String, f64)>>,
    #[serde(default)]
    pub zone: Option<ZoneForm>,
    #[serde(default)]
    pub speed: Option<Vec<(String, f64)>>,
    #[serde(default)]
    pub certain: Option<bool>,
}

/// The zone part of a place relation.
#[derive(Debug, Deserialize)]
pub(crate) struct ZoneForm {
    pub kind: String,
    #[serde(default)]
    pub name: Option<String>,
}

impl Form {
    /// Reads the JSON, refusing other versions by name.
    pub fn read(json: &[u8]) -> Result<Self, Refusal> {
        let form: Self =
            serde_json::from_slice(json).map_err(|e| Refusal::new("", "form", format!("not a form: {e}")))?;
        match form.version {
            VERSION => Ok(form),
            other => Err(Refusal::new("", "version", format!("form of version {other}, this engine reads {VERSION}"))),
        }
    }

    /// The id of a rule or correlation by its index in the form.
    pub fn id_of(&self, index: usize) -> Option<&str> {
        match index.checked_sub(self.rules.len()) {
            None => Some(&self.rules[index].id),
            Some(at) => self.correlations.get(at).map(|c| c.id.as_str()),
        }
    }
}
