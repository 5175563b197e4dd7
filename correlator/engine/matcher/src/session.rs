//! The working memory of one thread: one line matched after the other.

use std::{collections::HashMap, sync::Arc};

use foldhash::fast::FixedState;

use crate::{
    choice::Choice,
    event::Event,
    json::{MAX_VALUES, exceeds},
    matcher::{Matcher, Scope},
    program::Clause,
};

/// Longest line that is looked at, in bytes.
const MAX_LINE: usize = 64 << 20;

/// Log sources whose rules a session remembers.
const MAX_CHOICES: usize = 4096;

/// Longest key of one that is kept, in bytes.
const MAX_KEY: usize = 1024;

/// Everything that matching needs besides the rules. Kept from batch to batch for its memory.
#[derive(Default)]
pub struct Session {
    event: Event,
    key: Vec<u8>,
    /// By log source, as it is written.
    choices: HashMap<Vec<u8>, Arc<Choice>, FixedState>,
    /// Whether one of them has a key that is too long to keep.
    long: bool,
    every: Option<Choice>,
    epoch: u32,
    /// For each predicate the epoch it was last tried in, twice, plus its answer.
    memo: Vec<u32>,
    /// For each rule the epoch it was last a candidate in.
    called: Vec<u32>,
    candidates: Vec<u32>,
    held: Vec<u32>,
}

impl Session {
    /// The rules that hold on a line, in order; nothing where it is no JSON object, or beyond a bound.
    pub fn match_line(&mut self, matcher: &Matcher, line: &[u8], scope: Scope) -> Option<&[u32]> {
        if line.len() > MAX_LINE || exceeds(line, MAX_VALUES) || self.event.read(line, &matcher.names).is_err() {
            return None;
        }
        self.held.clear();
        self.begin(matcher);
        match scope {
            Scope::LogSource => self.gather_by_source(matcher, line),
            Scope::Every => {
                let choice = self.every.get_or_insert_with(|| matcher.choose_every());
                gather(matcher, choice, line, &mut self.event, &mut self.called, self.epoch, &mut self.candidates);
            }
        }
        self.evaluate(matcher, line);
        Some(&self.held)
    }

    fn begin(&mut self, matcher: &Matcher) {
        self.epoch += 1;
        // A session stays with its matcher, so the sizes only ever change from those of a new session.
        if self.epoch > u32::MAX / 2 || self.called.len() != matcher.rules() {
            self.memo = vec![0; matcher.program.predicates.len()];
            self.called = vec![0; matcher.rules()];
            self.epoch = 1;
        }
    }

    fn gather_by_source(&mut self, matcher: &Matcher, line: &[u8]) {
        matcher.sources.written_key(&mut self.event, line, &mut self.key);
        if !self.choices.contains_key(self.key.as_slice()) {
            self.choose(matcher, line);
        }
        if let Some(choice) = self.choices.get(self.key.as_slice()) {
            gather(matcher, choice, line, &mut self.event, &mut self.called, self.epoch, &mut self.candidates);
        }
        self.key.shrink_to(MAX_KEY);
    }

    fn choose(&mut self, matcher: &Matcher, line: &[u8]) {
        let mut key = Vec::new();
        matcher.sources.key(&mut self.event, line, &mut key);
        // One that is too long to remember is forgotten with the next.
        if self.choices.len() >= MAX_CHOICES || std::mem::replace(&mut self.long, self.key.len() > MAX_KEY) {
            self.choices.clear();
        }
        self.choices.insert(self.key.clone(), matcher.choose(&key));
    }

    fn evaluate(&mut self, matcher: &Matcher, line: &[u8]) {
        for at in 0..self.candidates.len() {
            let rule = self.candidates[at];
            if self.holds(matcher, line, &matcher.program.clauses[rule as usize]) {
                self.held.push(rule);
            }
        }
    }

    fn holds(&mut self, matcher: &Matcher, line: &[u8], clause: &Clause) -> bool {
        match clause {
            Clause::And(of) => of.iter().all(|part| self.holds(matcher, line, part)),
            Clause::Or(of) => of.iter().any(|part| self.holds(matcher, line, part)),
            Clause::Not(of) => !self.holds(matcher, line, of),
            Clause::Test(number) => self.test(matcher, line, *number),
        }
    }

    fn test(&mut self, matcher: &Matcher, line: &[u8], number: u32) -> bool {
        let known = self.memo[number as usize];
        if known >> 1 == self.epoch {
            return known & 1 == 1;
        }
        let held = matcher.program.predicates[number as usize].holds(&mut self.event, line);
        self.memo[number as usize] = self.epoch << 1 | u32::from(held);
        held
    }
}

/// Note the rules that may hold on an event, in order.
fn gather(
    matcher: &Matcher,
    choice: &Choice,
    line: &[u8],
    event: &mut Event,
    called: &mut [u32],
    epoch: u32,
    candidates: &mut Vec<u32>,
) {
    candidates.clear();
    choice.plan(matcher.making(), event, line).candidates(event, line, &mut |rule| {
        if called[rule as usize] != epoch {
            called[rule as usize] = epoch;
            if choice.only.as_ref().is_none_or(|only| only[rule as usize]) {
                candidates.push(rule);
            }
        }
    });
    candidates.sort_unstable();
}
