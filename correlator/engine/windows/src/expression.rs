//! The extended condition of a temporal correlation: an expression over the presence of its rules.

use serde_json::Value;

/// How deep an expression may nest; beyond, a hostile document could exhaust the stack.
const MAX_DEPTH: usize = 64;

/// An expression over positions in the correlation's list of rules.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Expression {
    And(Vec<Expression>),
    Or(Vec<Expression>),
    Not(Box<Expression>),
    Rule(u8),
}

impl Expression {
    /// Reads the JSON form; `position` finds a rule index in the correlation's list.
    pub fn read(value: &Value, position: &dyn Fn(u64) -> Option<u8>) -> Result<Self, String> {
        Self::read_at(value, position, 0)
    }

    fn read_at(value: &Value, position: &dyn Fn(u64) -> Option<u8>, depth: usize) -> Result<Self, String> {
        if depth > MAX_DEPTH {
            return Err(format!("nested deeper than {MAX_DEPTH}"));
        }
        let operand = |of: &Value| Self::read_at(of, position, depth + 1);
        let of = value.get("of");
        match value.get("op").and_then(Value::as_str) {
            Some("rule") => rule_position(value, position),
            Some("not") => Ok(Self::Not(Box::new(operand(of.ok_or("not without of")?)?))),
            Some(op @ ("and" | "or")) => {
                let parts = of.and_then(Value::as_array).filter(|p| !p.is_empty()).ok_or("and/or without of")?;
                let parts = parts.iter().map(operand).collect::<Result<_, _>>()?;
                Ok(if op == "and" { Self::And(parts) } else { Self::Or(parts) })
            }
            other => Err(format!("unknown operator {other:?}")),
        }
    }

    /// Whether it holds when exactly the rules of the mask are present.
    pub fn holds(&self, present: u64) -> bool {
        match self {
            Self::And(parts) => parts.iter().all(|p| p.holds(present)),
            Self::Or(parts) => parts.iter().any(|p| p.holds(present)),
            Self::Not(part) => !part.holds(present),
            Self::Rule(position) => present & (1 << position) != 0,
        }
    }

    /// Masks of the rules it asks for and of those whose absence it asks for.
    pub fn polarities(&self) -> (u64, u64) {
        match self {
            Self::Rule(position) => (1 << position, 0),
            Self::Not(part) => {
                let (wanted, unwanted) = part.polarities();
                (unwanted, wanted)
            }
            Self::And(parts) | Self::Or(parts) => parts.iter().fold((0, 0), |(p, n), part| {
                let (wanted, unwanted) = part.polarities();
                (p | wanted, n | unwanted)
            }),
        }
    }

    /// Whether it is a plain conjunction of rules and negated rules: the only form that has an order.
    pub fn is_conjunction(&self) -> bool {
        match self {
            Self::Rule(_) => true,
            Self::Not(part) => matches!(**part, Self::Rule(_)),
            Self::And(parts) => parts.iter().all(Self::is_conjunction),
            Self::Or(_) => false,
        }
    }
}

fn rule_position(value: &Value, position: &dyn Fn(u64) -> Option<u8>) -> Result<Expression, String> {
    let index = value.get("index").and_then(Value::as_u64).ok_or("rule without index")?;
    position(index).map(Expression::Rule).ok_or_else(|| format!("rule {index} is not one of the correlation's rules"))
}
