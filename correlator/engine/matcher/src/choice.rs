//! The rules to try on events of one log source.
//!
//! Where many of them compare one field with a number (in Windows logs the event's id), there is a plan for each such
//! number: rules that want another are not in it, and the others are indexed by what else they cannot do without.

use std::{collections::HashMap, sync::Arc};

use foldhash::fast::FixedState;

use crate::{
    event::Event,
    form::{Compare, Expression, Leaf, Rule},
    names::{Names, Slot},
    plan::Plan,
    test::Decimal,
    witness::{Fact, witness},
};

/// Least comparisons of a field with a number for which plans are made by number.
const MIN_COMPARISONS: usize = 4;

/// Most numbers of one field that plans are made for.
const MAX_NUMBERS: usize = 256;

/// Plans for events of one log source.
pub struct Choice {
    /// The plan for any event.
    plan: Arc<Plan>,
    numbered: Option<Numbered>,
    /// Where the plan is of more rules than apply: whether each does.
    pub only: Option<Box<[bool]>>,
}

/// Plans by the number that a field has.
struct Numbered {
    slot: Slot,
    plans: HashMap<i64, Plan, FixedState>,
    /// For any number that is not there.
    other: Plan,
}

impl Choice {
    /// Plans for the rules of these numbers; `indexed` is how many rules all plans together may index.
    pub fn new(chosen: &[u32], rules: &[Rule], names: &Names, indexed: usize) -> Self {
        let plan = |fact: Option<Fact>| {
            let sets: Vec<_> =
                chosen.iter().map(|rule| (*rule, witness(&rules[*rule as usize].condition, names, fact))).collect();
            Plan::new(sets.iter().map(|(rule, set)| (*rule, set.as_deref())))
        };
        let whole = plan(None);
        let mut left = indexed.saturating_sub(whole.rules());
        let numbered = most_compared(chosen, rules, names).and_then(|(slot, numbers)| {
            let mut affordable = |value: Option<i64>| {
                let plan = plan(Some(Fact { slot, value }));
                left = left.checked_sub(plan.rules())?;
                Some(plan)
            };
            let other = affordable(None)?;
            let plans: Option<_> = numbers.iter().map(|value| Some((*value, affordable(Some(*value))?))).collect();
            Some(Numbered { slot, plans: plans?, other })
        });
        Self { plan: Arc::new(whole), numbered, only: None }
    }

    /// A plan of more rules than those of these numbers.
    pub fn filtered(plan: Arc<Plan>, chosen: &[u32], rules: usize) -> Self {
        let mut only = vec![false; rules];
        chosen.iter().for_each(|rule| only[*rule as usize] = true);
        Self { plan, numbered: None, only: Some(only.into()) }
    }

    /// A plan that is for every event.
    pub fn unfiltered(plan: Arc<Plan>) -> Self {
        Self { plan, numbered: None, only: None }
    }

    /// Number of rules that all its plans index together.
    pub fn indexed(&self) -> usize {
        let numbered = self.numbered.iter().flat_map(|numbered| numbered.plans.values().chain([&numbered.other]));
        let own = if self.only.is_some() { 0 } else { self.plan.rules() };
        own + numbered.map(Plan::rules).sum::<usize>()
    }

    /// The plan for an event.
    #[inline]
    pub fn plan(&self, event: &mut Event, line: &[u8]) -> &Plan {
        let Some(numbered) = &self.numbered else { return &self.plan };
        match integer(event, line, numbered.slot) {
            Some(number) => numbered.plans.get(&number).unwrap_or(&numbered.other),
            None => &self.plan,
        }
    }
}

/// The integer of a field that has one value.
fn integer(event: &mut Event, line: &[u8], slot: Slot) -> Option<i64> {
    let (mut values, mut integer) = (0, None);
    event.any(line, slot, |mut met| {
        values += 1;
        integer = met.canonical().and_then(Decimal::parse).and_then(|number| number.integer());
        false
    });
    integer.filter(|_| values == 1)
}

/// The field that the rules most often compare with integers for equality, and the integers.
fn most_compared(chosen: &[u32], rules: &[Rule], names: &Names) -> Option<(Slot, Vec<i64>)> {
    let mut compared: HashMap<Slot, Vec<i64>> = HashMap::new();
    for rule in chosen {
        comparisons(&rules[*rule as usize].condition, &mut |leaf| {
            if let Leaf::Number(leaf) = leaf
                && leaf.cmp == Compare::Eq
                && let (Some(slot), Some(value)) = (names.find(&leaf.field), leaf.value.integer())
            {
                compared.entry(slot).or_default().push(value);
            }
        });
    }
    let (slot, mut numbers) = compared.into_iter().max_by_key(|(slot, numbers)| (numbers.len(), *slot))?;
    let often = numbers.len() >= MIN_COMPARISONS;
    numbers.sort_unstable();
    numbers.dedup();
    (often && numbers.len() <= MAX_NUMBERS).then_some((slot, numbers))
}

fn comparisons(condition: &Expression, visit: &mut impl FnMut(&Leaf)) {
    match condition {
        Expression::And(of) | Expression::Or(of) => of.iter().for_each(|part| comparisons(part, visit)),
        Expression::Not(of) => comparisons(of, visit),
        Expression::Leaf(leaf) => visit(leaf),
    }
}
