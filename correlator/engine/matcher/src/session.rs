//! The working memory of one thread: one line matched after the other.

use crate::{
    event::Event,
    json::{MAX_VALUES, exceeds},
    matcher::{Choice, Choices, Matcher, Scope},
    program::Clause,
};

/// Longest line that is looked at, in bytes.
const MAX_LINE: usize = 64 << 20;

/// Log sources whose rules a session remembers.
const MAX_CHOICES: usize = 4096;

/// Longest key of one that is remembered, in bytes.
const MAX_KEY: usize = 1024;

/// Everything that matching needs besides the rules. Kept from batch to batch for its memory.
#[derive(Default)]
pub struct Session {
    event: Event,
    key: Vec<u8>,
    choices: Choices,
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
        let choice = match scope {
            Scope::LogSource => self.choose(matcher, line),
            Scope::Every => matcher.choose_every(),
        };
        self.gather(&choice, line);
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

    fn choose(&mut self, matcher: &Matcher, line: &[u8]) -> Choice {
        matcher.sources.key(&mut self.event, line, &mut self.key);
        if let Some(choice) = self.choices.get(self.key.as_slice()) {
            return choice.clone();
        }
        let choice = matcher.choose(&self.key);
        if self.choices.len() >= MAX_CHOICES {
            self.choices.clear();
        }
        if self.key.len() <= MAX_KEY {
            self.choices.insert(self.key.clone(), choice.clone());
        }
        self.key.shrink_to(MAX_KEY);
        choice
    }

    fn gather(&mut self, choice: &Choice, line: &[u8]) {
        self.candidates.clear();
        let (called, candidates, epoch) = (&mut self.called, &mut self.candidates, self.epoch);
        choice.plan.candidates(&mut self.event, line, &mut |rule| {
            if called[rule as usize] != epoch {
                called[rule as usize] = epoch;
                if choice.only.as_ref().is_none_or(|only| only[rule as usize]) {
                    candidates.push(rule);
                }
            }
        });
        self.candidates.sort_unstable();
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
