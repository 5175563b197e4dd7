//! Rules compiled: clauses over numbered predicates, each distinct one compiled once.

use std::collections::{BTreeMap, HashMap};

use crate::{
    form::{Expression, Field, Leaf, Match, Rule},
    names::Names,
    predicate::Predicate,
    refusal::Refusal,
    test::AnyOf,
};

/// Least texts of one field that are tried together: fewer are more often shared with other rules one by one.
const MIN_LIST: usize = 3;

/// A condition over predicate numbers.
pub enum Clause {
    And(Box<[Clause]>),
    Or(Box<[Clause]>),
    Not(Box<Clause>),
    Test(u32),
}

/// All the rules, and the predicates they share.
pub struct Program {
    pub clauses: Vec<Clause>,
    pub predicates: Vec<Predicate>,
}

impl Program {
    /// Compile rules; fields get slots in `names`.
    pub fn compile(rules: &[Rule], names: &mut Names) -> Result<Self, Vec<Refusal>> {
        let mut compiler = Compiler {
            names,
            numbers: HashMap::new(),
            lists: HashMap::new(),
            predicates: Vec::new(),
            refusals: Vec::new(),
        };
        let clauses = rules.iter().map(|rule| compiler.clause(&rule.id, &rule.condition)).collect();
        let Compiler { predicates, refusals, .. } = compiler;
        if refusals.is_empty() { Ok(Self { clauses, predicates }) } else { Err(refusals) }
    }
}

struct Compiler<'a> {
    names: &'a mut Names,
    numbers: HashMap<&'a Leaf, u32>,
    /// Of leaves of one field that are tried together.
    lists: HashMap<Vec<&'a Match>, u32>,
    predicates: Vec<Predicate>,
    refusals: Vec<Refusal>,
}

impl<'a> Compiler<'a> {
    fn clause(&mut self, rule: &str, expression: &'a Expression) -> Clause {
        match expression {
            Expression::And(of) => Clause::And(self.parts(rule, of)),
            Expression::Or(of) => self.any(rule, of),
            Expression::Not(of) => Clause::Not(Box::new(self.clause(rule, of))),
            Expression::Leaf(leaf) => Clause::Test(self.number(rule, leaf)),
        }
    }

    /// Where any text of a list will do, the list is one test.
    fn any(&mut self, rule: &str, of: &'a [Expression]) -> Clause {
        let mut lists: BTreeMap<&Field, Vec<(&'a Leaf, &'a Match)>> = BTreeMap::new();
        let mut parts = Vec::new();
        for part in of {
            match part {
                Expression::Leaf(leaf @ Leaf::Match(text)) if AnyOf::takes(text) => {
                    lists.entry(&text.field).or_default().push((leaf, text));
                }
                _ => parts.push(self.clause(rule, part)),
            }
        }
        for list in lists.into_values() {
            if list.len() < MIN_LIST {
                parts.extend(list.iter().map(|(leaf, _)| Clause::Test(self.number(rule, leaf))));
            } else {
                parts.push(Clause::Test(self.list(list.into_iter().map(|(_, text)| text).collect())));
            }
        }
        self.sort(&mut parts);
        if parts.len() == 1 { parts.remove(0) } else { Clause::Or(parts.into()) }
    }

    /// The number of a list of texts of one field, each such as [`AnyOf`] takes.
    fn list(&mut self, list: Vec<&'a Match>) -> u32 {
        let Self { names, lists, predicates, .. } = self;
        *lists.entry(list).or_insert_with_key(|list| {
            predicates.push(Predicate::compile_any(list, names));
            predicates.len() as u32 - 1
        })
    }

    /// Parts in the order of what they cost: whichever decides, the others need not be tried.
    fn parts(&mut self, rule: &str, of: &'a [Expression]) -> Box<[Clause]> {
        let mut parts: Vec<Clause> = of.iter().map(|part| self.clause(rule, part)).collect();
        self.sort(&mut parts);
        parts.into()
    }

    fn sort(&self, parts: &mut [Clause]) {
        parts.sort_by_cached_key(|part| self.cost(part));
    }

    fn cost(&self, clause: &Clause) -> u32 {
        match clause {
            Clause::And(of) | Clause::Or(of) => of.iter().map(|part| self.cost(part)).sum(),
            Clause::Not(of) => self.cost(of),
            Clause::Test(number) => self.predicates.get(*number as usize).map_or(0, Predicate::cost),
        }
    }

    fn number(&mut self, rule: &str, leaf: &'a Leaf) -> u32 {
        if let Some(number) = self.numbers.get(leaf) {
            return *number;
        }
        let number = self.predicates.len() as u32;
        match Predicate::compile(leaf, self.names) {
            Ok(predicate) => {
                self.predicates.push(predicate);
                self.numbers.insert(leaf, number);
            }
            Err(what) => self.refusals.push(Refusal { rule: rule.into(), op: "re".into(), what }),
        }
        number
    }
}
