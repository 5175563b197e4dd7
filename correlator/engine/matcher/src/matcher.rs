//! Compiled rules, ready to match batches of lines from any thread.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use crate::{
    choice::{Choice, Making},
    explain::{self, Explanation},
    form::{self, Rule},
    logsource::{Group, LogSources},
    names::Names,
    plan::Plan,
    planner::Planner,
    program::Program,
    refusal::Refusal,
    session::Session,
};

/// Choices kept, one per set of groups that has been met together.
const MAX_CHOICES: usize = 256;

/// Which rules are tried on an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Those whose log source is the event's.
    LogSource,
    /// Every rule.
    Every,
}

/// What a buffer of lines held.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scan {
    /// Number of lines, blank ones included.
    pub lines: usize,
    /// Number of lines that are JSON objects.
    pub events: usize,
    /// Pairs (index of line, index of rule) that hold, ordered so.
    pub matches: Vec<(usize, usize)>,
    /// Indices of the lines that are neither blank nor JSON objects, or are beyond a bound.
    pub malformed: Vec<usize>,
}

/// Single-event rules, compiled.
pub struct Matcher {
    rules: Vec<Rule>,
    pub(crate) names: Names,
    pub(crate) program: Program,
    pub(crate) sources: LogSources,
    planner: Planner,
    every: Arc<Plan>,
    choices: Mutex<HashMap<Vec<Group>, Arc<Choice>>>,
    idle: Mutex<Vec<Session>>,
}

impl Matcher {
    /// Compile an intermediate form, or say everything in it that cannot be done.
    pub fn compile(form: &[u8]) -> Result<Self, Vec<Refusal>> {
        let rules = form::read(form)?;
        let mut names = Names::new();
        let sources = LogSources::new(&rules, &mut names);
        let program = Program::compile(&rules, &mut names)?;
        let planner = Planner::new(&rules, &names);
        let every = Arc::new(planner.every());
        let (choices, idle) = (Mutex::default(), Mutex::default());
        Ok(Self { rules, names, program, sources, planner, every, choices, idle })
    }

    /// Number of rules.
    pub fn rules(&self) -> usize {
        self.rules.len()
    }

    /// Pairs (index of line, index of rule) that hold, ordered so. A line that is no JSON object matches nothing.
    pub fn match_lines<'a>(&self, lines: impl IntoIterator<Item = &'a [u8]>, scope: Scope) -> Vec<(usize, usize)> {
        self.scan_lines(lines, scope).matches
    }

    /// The same over newline-separated lines; blank ones count.
    pub fn match_buffer(&self, data: &[u8], scope: Scope) -> Vec<(usize, usize)> {
        self.scan(data, scope).matches
    }

    /// Everything that newline-separated lines hold: matches, and which lines are no events.
    pub fn scan(&self, data: &[u8], scope: Scope) -> Scan {
        let rest = (!data.is_empty()).then(|| data.strip_suffix(b"\n").unwrap_or(data));
        self.scan_lines(Lines { rest }, scope)
    }

    fn scan_lines<'a>(&self, lines: impl IntoIterator<Item = &'a [u8]>, scope: Scope) -> Scan {
        let mut session = unpoisoned(self.idle.lock()).pop().unwrap_or_default();
        let mut scan = Scan::default();
        for line in lines {
            match session.match_line(self, line, scope) {
                Some(held) => {
                    scan.events += 1;
                    scan.matches.extend(held.iter().map(|rule| (scan.lines, *rule as usize)));
                }
                None if line.trim_ascii().is_empty() => {}
                None => scan.malformed.push(scan.lines),
            }
            scan.lines += 1;
        }
        unpoisoned(self.idle.lock()).push(session);
        scan
    }

    /// Why a rule does or does not hold on a line, by an independent path. Nothing where there is no such rule.
    pub fn explain(&self, line: &[u8], rule: usize) -> Option<Explanation> {
        self.rules.get(rule).map(|rule| explain::explain(rule, line))
    }

    /// What of a rule made it hold on a line: [`Matcher::explain`] without what did not, of each clause at most the first
    /// `most` parts. Nothing where it does not hold, or there is no such rule.
    pub fn evidence(&self, line: &[u8], rule: usize, most: usize) -> Option<Explanation> {
        explain::held(self.rules.get(rule)?, line, most)
    }

    /// The rules for a log source, whose key it is.
    pub(crate) fn choose(&self, key: &[u8]) -> Arc<Choice> {
        let groups = self.sources.groups(key);
        let mut choices = unpoisoned(self.choices.lock());
        if let Some(choice) = choices.get(&groups) {
            return Arc::clone(choice);
        }
        let chosen = self.sources.rules(&groups);
        // Hostile events can name any mixture of groups; past the bound they get the plan of all rules, and a filter.
        if choices.len() >= MAX_CHOICES || !self.planner.reserve(chosen.len()) {
            return Arc::new(Choice::filtered(Arc::clone(&self.every), &chosen, self.rules.len()));
        }
        let choice = Arc::new(Choice::new(chosen, &self.planner));
        choices.insert(groups, Arc::clone(&choice));
        choice
    }

    /// What plans are made with.
    pub(crate) fn making(&self) -> Making<'_> {
        Making { planner: &self.planner, rules: &self.rules, names: &self.names }
    }

    pub(crate) fn choose_every(&self) -> Choice {
        Choice::unfiltered(Arc::clone(&self.every))
    }
}

/// Newline-separated lines, found one by one.
struct Lines<'a> {
    rest: Option<&'a [u8]>,
}

impl<'a> Iterator for Lines<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let rest = self.rest?;
        match memchr::memchr(b'\n', rest) {
            Some(at) => {
                self.rest = Some(&rest[at + 1..]);
                Some(&rest[..at])
            }
            None => self.rest.take(),
        }
    }
}

/// What the locks hold is whole at any time, so a panic elsewhere does not spoil it.
fn unpoisoned<T>(locked: Result<T, PoisonError<T>>) -> T {
    locked.unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scan_tells_lines_events_and_what_is_neither_apart() {
        let form = br#"{"version":1,"rules":[{"id":"r","logsource":{"product":"p"},
            "condition":{"op":"exists","field":"a","value":true}}],"correlations":[]}"#;
        let matcher = Matcher::compile(form).expect("the form compiles");
        let data = b"{\"a\":1,\"product\":\"p\"}\n\n \r\nno event\n{\"a\":1}\n[1]";
        let scan = |data: &[u8], scope| matcher.scan(data, scope);
        let found = scan(data, Scope::LogSource);
        assert_eq!((found.lines, found.events), (6, 2));
        assert_eq!((found.matches, found.malformed), (vec![(0, 0)], vec![3, 5]));
        assert_eq!(scan(data, Scope::Every).matches, [(0, 0), (4, 0)]);
        assert_eq!(scan(b"", Scope::Every), Scan::default());
        assert_eq!(scan(b"\n", Scope::Every).lines, 1);
        assert_eq!(scan(b"{}\n", Scope::Every).events, 1);
    }
}
