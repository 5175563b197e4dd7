//! Compiles the correlations of a form, refusing by name what the engine cannot do.

use std::collections::HashSet;

use serde_json::value::RawValue;

use crate::city::City;
use crate::expression::Expression;
use crate::form::{ConditionForm, CorrelationForm, Form, PlaceForm, RuleForm};
use crate::geometry::{Comparison, Operator};
use crate::id::{digest64, push_text};
use crate::place::{Place, ZoneRelation};
use crate::refusal::Refusal;

/// Rules of one correlation are a bit mask.
const MAX_RULES: usize = 64;

/// Windows of this weight are always looked at.
const MAX_FLOOR: u32 = 1024;

/// What is counted in a window and compared.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Measure {
    /// Items; chained alerts count once however often they were revised.
    Events(Comparison),
    /// Distinct combinations of the values of some fields.
    Values(Comparison),
    Sum(Comparison),
    Average(Comparison),
    /// A percentile (0 to 100), linear between the two nearest ranks.
    Percentile(f64, Comparison),
    /// Distinct rules.
    Rules(Comparison),
    /// Distinct rules, in the order of the list.
    Ordered(Comparison),
    /// The extended condition.
    Expression(Expression),
}

/// One compiled correlation.
#[derive(Debug)]
pub(crate) struct Correlation {
    pub id: String,
    /// Ids of the referred rules, by position.
    pub rule_ids: Vec<String>,
    /// Indices of the referred rules, by position.
    pub rules: Vec<usize>,
    pub group_by: Vec<String>,
    /// For each position, the field behind each group-by name.
    pub group_fields: Vec<Vec<String>>,
    /// For each position, the fields that the measure reads.
    pub value_fields: Vec<Vec<String>>,
    pub timespan: i64,
    pub measure: Measure,
    pub place: Option<Place>,
    /// Positions of the rules that make members.
    pub wanted: u64,
    /// Positions of the rules whose absence is awaited.
    pub awaited: u64,
    /// Positions that are correlations themselves.
    pub chained: u64,
    /// Whether the wanted rules of the expression must come in the order of the list.
    pub ordered: bool,
    /// Whether another correlation refers to this one.
    pub referred: bool,
    /// A window whose items weigh less together cannot fire, whatever they are.
    pub floor: u32,
    /// Digest of the definition: state of another definition is not taken up.
    pub fingerprint: u64,
}

impl Correlation {
    /// Whether the members of a firing are everything in a stretch of time, so that windows can slide.
    pub fn slides(&self) -> bool {
        self.stretches() && self.awaited == 0
    }

    /// Whether the windows of items that were at one place differ in time alone.
    pub fn sweeps(&self) -> bool {
        !self.ordered && self.is_timeless()
    }

    /// Whether the place relation asks where two items were, and not when.
    pub fn is_timeless(&self) -> bool {
        self.place.as_ref().is_none_or(|place| place.speed.is_none())
    }

    /// Whether all items of a stretch of time that make members are members.
    pub fn stretches(&self) -> bool {
        !self.ordered && self.place.is_none()
    }

    /// How far back from an item the windows reach that it can change, and so how long items are kept.
    pub fn reach(&self) -> i64 {
        if self.awaited == 0 { self.timespan } else { self.timespan.saturating_mul(2) }
    }

    /// At most how much an item with these rules and so many values adds to what the measure counts.
    pub fn weigh(&self, rules: u64, values: usize) -> u32 {
        match self.measure {
            Measure::Values(_) => values as u32,
            Measure::Rules(_) | Measure::Ordered(_) | Measure::Expression(_) => (rules & self.wanted).count_ones(),
            _ => 1,
        }
    }

    /// Whether items count as members by identity rather than by entry: an alert enters once per firing.
    pub fn counts_by_id(&self) -> bool {
        self.chained != 0 && matches!(self.measure, Measure::Events(_))
    }

    /// Whether items carry values for the measure.
    pub fn measures_fields(&self) -> bool {
        matches!(self.measure, Measure::Values(_)) || self.measures_numbers()
    }

    /// Whether the values must be numbers.
    pub fn measures_numbers(&self) -> bool {
        matches!(self.measure, Measure::Sum(_) | Measure::Average(_) | Measure::Percentile(..))
    }
}

/// The compiled correlations of a form.
#[derive(Debug)]
pub(crate) struct Compiled {
    pub rules: usize,
    pub correlations: Vec<Correlation>,
}

/// Compiles every correlation, or says all that is wrong.
pub(crate) fn compile(form: &Form, city: &City) -> Result<Compiled, Vec<Refusal>> {
    let mut refusals = Vec::new();
    let mut correlations = Vec::new();
    let mut seen = HashSet::new();
    for (at, source) in form.correlations.iter().enumerate() {
        if !seen.insert(source.id.as_str()) {
            refusals.push(Refusal::new(&source.id, "id", "two correlations have this id"));
        }
        match compile_one(form, form.rules.len() + at, source, city) {
            Ok(correlation) => correlations.push(correlation),
            Err(refusal) => refusals.push(refusal),
        }
    }
    if !refusals.is_empty() {
        return Err(refusals);
    }
    for (at, source) in form.correlations.iter().enumerate() {
        // In their order: what one refers to has its fingerprint already.
        let found = fingerprint(form, source, city, &correlations);
        correlations[at].fingerprint = found;
    }
    let referred: HashSet<usize> = form.correlations.iter().flat_map(|c| c.rules.iter().copied()).collect();
    for (at, correlation) in correlations.iter_mut().enumerate() {
        correlation.referred = referred.contains(&(form.rules.len() + at));
    }
    Ok(Compiled { rules: form.rules.len(), correlations })
}

fn compile_one(form: &Form, index: usize, source: &CorrelationForm, city: &City) -> Result<Correlation, Refusal> {
    let refuse = |op: &str, what: String| Refusal::new(&source.id, op, what);
    check_references(index, source)?;
    if source.timespan <= 0 {
        return Err(refuse("timespan", format!("must be positive, is {}", source.timespan)));
    }
    let measure = compile_measure(source)?;
    let all = mask_of(source.rules.len());
    let (wanted, awaited) = match &measure {
        Measure::Expression(expression) => expression.polarities(),
        _ => (all, 0),
    };
    if wanted & awaited != 0 {
        return Err(refuse("condition", "a rule is both asked for and negated".into()));
    }
    if wanted == 0 {
        return Err(refuse("condition", "only absences: nothing says when to wait".into()));
    }
    let ordered = source.kind == "temporal_ordered";
    let value_fields = source.condition.as_ref().and_then(|c| c.fields.clone()).unwrap_or_default();
    let floor = floor_of(&measure, wanted);
    let place = source.place.as_ref().map(|p| compile_place(&source.id, p, city)).transpose()?;
    let chained = source.rules.iter().enumerate().filter(|(_, r)| **r >= form.rules.len());
    Ok(Correlation {
        id: source.id.clone(),
        rule_ids: source.rules.iter().filter_map(|r| form.id_of(*r)).map(str::to_owned).collect(),
        rules: source.rules.clone(),
        group_by: source.group_by.clone(),
        group_fields: resolve_all(source, &source.group_by),
        value_fields: resolve_all(source, &value_fields),
        timespan: source.timespan,
        measure,
        place: place.flatten(),
        wanted,
        awaited,
        chained: chained.fold(0, |mask, (position, _)| mask | 1 << position),
        ordered,
        referred: false,
        floor,
        fingerprint: 0,
    })
}

/// The least weight (see `Correlation::weigh`) of a window that fires.
fn floor_of(measure: &Measure, wanted: u64) -> u32 {
    let least =
        |comparison: &Comparison| (1..=MAX_FLOOR).find(|n| comparison.holds(f64::from(*n))).unwrap_or(MAX_FLOOR);
    match measure {
        Measure::Events(c) | Measure::Values(c) | Measure::Rules(c) | Measure::Ordered(c) => least(c),
        Measure::Expression(expression) if expression.is_conjunction() => wanted.count_ones(),
        Measure::Sum(_) | Measure::Average(_) | Measure::Percentile(..) | Measure::Expression(_) => 1,
    }
}

fn mask_of(rules: usize) -> u64 {
    u64::MAX >> (MAX_RULES - rules)
}

fn check_references(index: usize, source: &CorrelationForm) -> Result<(), Refusal> {
    let refuse = |what: String| Err(Refusal::new(&source.id, "rules", what));
    if source.rules.is_empty() {
        return refuse("refers to no rule".into());
    }
    if source.rules.len() > MAX_RULES {
        return refuse(format!("refers to {} rules, at most {MAX_RULES}", source.rules.len()));
    }
    if let Some(later) = source.rules.iter().find(|r| **r >= index) {
        return refuse(format!("refers to index {later}, not smaller than its own {index}"));
    }
    let distinct: HashSet<_> = source.rules.iter().collect();
    if distinct.len() < source.rules.len() {
        return refuse("refers to a rule twice".into());
    }
    Ok(())
}

/// For each rule position, the field that stands behind each name.
fn resolve_all(source: &CorrelationForm, names: &[String]) -> Vec<Vec<String>> {
    let resolve = |rule: usize, name: &String| {
        let alias = source.aliases.get(name).and_then(|by_rule| by_rule.get(&rule.to_string()));
        alias.unwrap_or(name).clone()
    };
    source.rules.iter().map(|rule| names.iter().map(|name| resolve(*rule, name)).collect()).collect()
}

fn compile_measure(source: &CorrelationForm) -> Result<Measure, Refusal> {
    let none = ConditionForm::default();
    let condition = source.condition.as_ref().unwrap_or(&none);
    let temporal = matches!(source.kind.as_str(), "temporal" | "temporal_ordered");
    if let Some(expression) = &condition.expr {
        if !temporal {
            return Err(Refusal::new(&source.id, "expr", format!("{} takes no expression", source.kind)));
        }
        return compile_expression(source, expression);
    }
    let comparison = match &condition.cmp {
        Some(pairs) if !pairs.is_empty() => compile_comparison(&source.id, "condition", pairs)?,
        _ if temporal => Comparison(vec![(Operator::Gte, source.rules.len() as f64)]),
        _ => return Err(Refusal::new(&source.id, "condition", "no comparison")),
    };
    measure_of(source, condition, comparison)
}

fn measure_of(source: &CorrelationForm, condition: &ConditionForm, comparison: Comparison) -> Result<Measure, Refusal> {
    let fields = condition.fields.as_ref().map_or(0, Vec::len);
    let percentile = |wanted: Option<f64>| match wanted.filter(|p| (0.0..=100.0).contains(p)) {
        Some(percentile) => Ok(percentile),
        None => Err(Refusal::new(&source.id, "percentile", "needs a percentile from 0 to 100")),
    };
    match (source.kind.as_str(), fields) {
        ("event_count", _) => Ok(Measure::Events(comparison)),
        ("temporal", _) => Ok(Measure::Rules(comparison)),
        ("temporal_ordered", _) => Ok(Measure::Ordered(comparison)),
        ("value_count", 1..) => Ok(Measure::Values(comparison)),
        ("value_sum", 1) => Ok(Measure::Sum(comparison)),
        ("value_avg", 1) => Ok(Measure::Average(comparison)),
        ("value_median", 1) => Ok(Measure::Percentile(50.0, comparison)),
        ("value_percentile", 1) => Ok(Measure::Percentile(percentile(condition.percentile)?, comparison)),
        (kind, count) if kind.starts_with("value_") => {
            Err(Refusal::new(&source.id, "field", format!("{kind} over {count} fields")))
        }
        (kind, _) => Err(Refusal::new(&source.id, "type", format!("unknown correlation type {kind}"))),
    }
}

fn compile_expression(source: &CorrelationForm, json: &serde_json::Value) -> Result<Measure, Refusal> {
    let position = |index: u64| source.rules.iter().position(|r| *r as u64 == index).map(|p| p as u8);
    let expression = Expression::read(json, &position).map_err(|what| Refusal::new(&source.id, "expr", what))?;
    if source.kind == "temporal_ordered" && !expression.is_conjunction() {
        return Err(Refusal::new(
            &source.id,
            "expr",
            "temporal_ordered takes only rules joined by `and` and `and not`",
        ));
    }
    Ok(Measure::Expression(expression))
}

fn compile_comparison(rule: &str, op: &str, pairs: &[(String, f64)]) -> Result<Comparison, Refusal> {
    let compile_pair = |(name, value): &(String, f64)| match Operator::named(name) {
        Some(operator) if !value.is_nan() => Ok((operator, *value)),
        _ => Err(Refusal::new(rule, op, format!("unknown comparison {name} {value}"))),
    };
    pairs.iter().map(compile_pair).collect::<Result<_, _>>().map(Comparison)
}

/// A place without any relation is no place.
fn compile_place(rule: &str, form: &PlaceForm, city: &City) -> Result<Option<Place>, Refusal> {
    let comparison = |op: &str, pairs: &Option<Vec<(String, f64)>>| match pairs {
        Some(pairs) if !pairs.is_empty() => compile_comparison(rule, op, pairs).map(Some),
        _ => Ok(None),
    };
    let zone = match form.zone.as_ref().map(|z| (z.kind.as_str(), &z.name)) {
        None => None,
        Some(("same", _)) => Some(ZoneRelation::Same),
        Some(("adjacent", _)) => Some(ZoneRelation::Adjacent),
        Some(("within", Some(name))) => Some(ZoneRelation::Within(city.below(name))),
        Some((kind, _)) => return Err(Refusal::new(rule, "zone", format!("unknown zone relation {kind}"))),
    };
    let place = Place {
        distance: comparison("distance", &form.distance)?,
        speed: comparison("speed", &form.speed)?,
        zone,
        certain_only: form.certain.unwrap_or(false),
    };
    let empty = place.distance.is_none() && place.speed.is_none() && place.zone.is_none();
    Ok((!empty).then_some(place))
}

/// Tells one meaning of a correlation from another: its own definition, that of all it refers to, and the zones that
/// its place relation asks. Rules are named by id, so that a reload which only moves indices keeps the state.
fn fingerprint(form: &Form, source: &CorrelationForm, city: &City, earlier: &[Correlation]) -> u64 {
    let mut text = Vec::new();
    for rule in &source.rules {
        push_text(&mut text, form.id_of(*rule).unwrap_or_default());
        match rule.checked_sub(form.rules.len()) {
            None => {
                let RuleForm { logsource, condition, .. } = &form.rules[*rule];
                push_text(&mut text, logsource.as_deref().map_or("", RawValue::get));
                push_text(&mut text, condition.as_deref().map_or("", RawValue::get));
            }
            Some(at) => push_text(&mut text, &earlier[at].fingerprint.to_string()),
        }
    }
    if source.place.as_ref().is_some_and(|place| place.zone.is_some()) {
        push_text(&mut text, &city.describe());
    }
    let by_position = |index: u64| source.rules.iter().position(|r| *r as u64 == index).map(|p| p as u8);
    let condition = source.condition.as_ref();
    let expression = condition.and_then(|c| c.expr.as_ref()).map(|e| Expression::read(e, &by_position));
    let counted = condition.map(|c| (&c.cmp, &c.fields, &c.percentile));
    push_text(&mut text, &format!("{:?} {} {expression:?} {counted:?}", source.kind, source.timespan));
    let fields = condition.and_then(|c| c.fields.clone()).unwrap_or_default();
    push_text(&mut text, &format!("{:?} {:?}", source.group_by, resolve_all(source, &source.group_by)));
    push_text(&mut text, &format!("{:?}", resolve_all(source, &fields)));
    push_text(&mut text, &format!("{:?}", source.place));
    digest64(&text)
}
