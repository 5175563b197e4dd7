//! What plans are made of, kept for each rule, so that a plan can be made when an event first needs it.

use std::{
    borrow::Cow,
    sync::atomic::{AtomicUsize, Ordering},
};

use crate::{
    form::{Compare, Expression, Leaf, Rule},
    names::{Names, Slot},
    plan::Plan,
    witness::{Atom, Fact, witness},
};

/// Rules that all kept plans may index together, as a multiple of the rules there are: it bounds their memory.
const MAX_INDEXED: usize = 4;

/// As many more, however few rules there are.
const MIN_INDEXED: usize = 1000;

/// What a rule cannot do without, and what facts may tell of it.
struct Known {
    witness: Option<Vec<Atom>>,
    /// Fields of which a fact may decide a leaf.
    decided: Vec<Slot>,
    /// Fields that are compared with integers for equality.
    compared: Vec<(Slot, i64)>,
}

/// Makes plans, as long as what they index together is within a bound.
pub struct Planner {
    rules: Vec<Known>,
    left: AtomicUsize,
}

impl Planner {
    /// Look at every rule once.
    pub fn new(rules: &[Rule], names: &Names) -> Self {
        let left = AtomicUsize::new(MAX_INDEXED * rules.len() + MIN_INDEXED);
        Self { rules: rules.iter().map(|rule| Known::new(rule, names)).collect(), left }
    }

    /// The plan of every rule, which counts for no bound.
    pub fn every(&self) -> Plan {
        Plan::new((0..).zip(self.rules.iter().map(|known| known.witness.as_deref())))
    }

    /// The plan of some rules, of which [`Planner::reserve`] has been asked.
    pub fn plan(&self, chosen: &[u32]) -> Plan {
        Plan::new(chosen.iter().map(|rule| (*rule, self.rules[*rule as usize].witness.as_deref())))
    }

    /// The plan of some rules for events of which a fact is known; nothing where the bound does not allow it.
    pub fn plan_for(&self, fact: Fact, chosen: &[u32], rules: &[Rule], names: &Names) -> Option<Plan> {
        let sets = chosen.iter().map(|rule| {
            let known = &self.rules[*rule as usize];
            if known.decided.contains(&fact.slot) {
                Cow::Owned(witness(&rules[*rule as usize].condition, names, Some(fact)))
            } else {
                Cow::Borrowed(&known.witness)
            }
        });
        let sets: Vec<Cow<Option<Vec<Atom>>>> = sets.collect();
        let indexed = sets.iter().filter(|set| set.as_ref().as_ref().is_none_or(|atoms| !atoms.is_empty())).count();
        self.reserve(indexed)
            .then(|| Plan::new(chosen.iter().zip(&sets).map(|(rule, set)| (*rule, set.as_ref().as_deref()))))
    }

    /// Take so many rules out of what plans may index; not where fewer are left.
    pub fn reserve(&self, rules: usize) -> bool {
        let take = |left: usize| left.checked_sub(rules);
        self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok()
    }

    /// What some rules compare with integers for equality, rule by rule.
    pub fn compared(&self, chosen: &[u32]) -> impl Iterator<Item = (Slot, i64)> {
        chosen.iter().flat_map(|rule| &self.rules[*rule as usize].compared).copied()
    }
}

impl Known {
    fn new(rule: &Rule, names: &Names) -> Self {
        let witness = witness(&rule.condition, names, None);
        let mut known = Self { witness, decided: Vec::new(), compared: Vec::new() };
        known.look(&rule.condition, names);
        known
    }

    fn look(&mut self, condition: &Expression, names: &Names) {
        match condition {
            Expression::And(of) | Expression::Or(of) => of.iter().for_each(|part| self.look(part, names)),
            Expression::Not(of) => self.look(of, names),
            Expression::Leaf(Leaf::Number(leaf)) => {
                let slot = names.find(&leaf.field);
                self.decided.extend(slot);
                let integer = leaf.value.integer().filter(|_| leaf.cmp == Compare::Eq);
                self.compared.extend(slot.zip(integer));
            }
            Expression::Leaf(Leaf::Null(leaf)) => self.decided.extend(names.find(&leaf.field)),
            Expression::Leaf(Leaf::Exists(leaf)) => self.decided.extend(names.find(&leaf.field)),
            Expression::Leaf(_) => {}
        }
    }
}
