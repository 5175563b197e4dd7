//! The rules to try on events of one log source.
//!
//! Where many of them compare one field with a number (in Windows logs the event's id), there is a plan for each such
//! number: rules that want another are not in it, and the others are indexed by what else they cannot do without. A
//! plan is made when the first event needs it; whoever needs another does not wait for that.

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
};

use foldhash::fast::FixedState;

use crate::{
    event::Event,
    form::Rule,
    names::{Names, Slot},
    plan::Plan,
    planner::Planner,
    test::Decimal,
    witness::Fact,
};

/// Least comparisons of a field with a number for which plans are made by number.
const MIN_COMPARISONS: usize = 4;

/// Most numbers of one field that plans are made for.
const MAX_NUMBERS: usize = 256;

/// What plans are made with.
#[derive(Clone, Copy)]
pub struct Making<'a> {
    pub planner: &'a Planner,
    pub rules: &'a [Rule],
    pub names: &'a Names,
}

/// Plans for events of one log source.
pub struct Choice {
    chosen: Box<[u32]>,
    /// The plan for any event.
    plan: OnceLock<Arc<Plan>>,
    numbered: Option<Numbered>,
    /// Where the plan is of more rules than apply: whether each does.
    pub only: Option<Box<[bool]>>,
}

/// Plans by the number that a field has; nothing in place of one that the bound did not allow.
struct Numbered {
    slot: Slot,
    plans: HashMap<i64, OnceLock<Option<Plan>>, FixedState>,
    /// For any number that is not there.
    other: OnceLock<Option<Plan>>,
}

impl Choice {
    /// Plans for the rules of these numbers, which the planner has reserved.
    pub fn new(chosen: Vec<u32>, planner: &Planner) -> Self {
        let numbered = most_compared(&chosen, planner).map(|(slot, numbers)| Numbered {
            slot,
            plans: numbers.into_iter().map(|number| (number, OnceLock::new())).collect(),
            other: OnceLock::new(),
        });
        Self { chosen: chosen.into(), plan: OnceLock::new(), numbered, only: None }
    }

    /// A plan of more rules than those of these numbers.
    pub fn filtered(plan: Arc<Plan>, chosen: &[u32], rules: usize) -> Self {
        let mut only = vec![false; rules];
        chosen.iter().for_each(|rule| only[*rule as usize] = true);
        Self { only: Some(only.into()), ..Self::unfiltered(plan) }
    }

    /// A plan that is for every event.
    pub fn unfiltered(plan: Arc<Plan>) -> Self {
        Self { chosen: Box::default(), plan: plan.into(), numbered: None, only: None }
    }

    /// The plan for an event.
    #[inline]
    pub fn plan(&self, making: Making, event: &mut Event, line: &[u8]) -> &Plan {
        let numbered = self.numbered.as_ref().and_then(|numbered| {
            let number = integer(event, line, numbered.slot)?;
            let (value, plan) = match numbered.plans.get(&number) {
                Some(plan) => (Some(number), plan),
                None => (None, &numbered.other),
            };
            let fact = Fact { slot: numbered.slot, value };
            let make = || making.planner.plan_for(fact, &self.chosen, making.rules, making.names);
            plan.get_or_init(make).as_ref()
        });
        numbered.unwrap_or_else(|| self.plan.get_or_init(|| Arc::new(making.planner.plan(&self.chosen))))
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
fn most_compared(chosen: &[u32], planner: &Planner) -> Option<(Slot, Vec<i64>)> {
    let mut compared: HashMap<Slot, Vec<i64>> = HashMap::new();
    planner.compared(chosen).for_each(|(slot, value)| compared.entry(slot).or_default().push(value));
    let (slot, mut numbers) = compared.into_iter().max_by_key(|(slot, numbers)| (numbers.len(), *slot))?;
    let often = numbers.len() >= MIN_COMPARISONS;
    numbers.sort_unstable();
    numbers.dedup();
    (often && numbers.len() <= MAX_NUMBERS).then_some((slot, numbers))
}
