//! What happens to the windows, step by step, and what stands when all is over.

mod disk;

use std::collections::BTreeMap;

use impetus_windows::{Firing, Item, Stretch, Windows};
use serde_json::Value;

use crate::naive::{self, Blind};
use crate::story::disk::Disk;

pub const SECOND: i64 = 1_000_000;
pub const LATENESS: i64 = 6 * SECOND;
pub const CITY: &[u8] =
    br#"{"zones": {"Z1": {"within": "centre", "adjacent": ["Z2"]}, "Z2": {"within": "centre"}, "Z3": {}}}"#;

/// Something that reaches the engine.
#[derive(Debug, Clone)]
pub enum Step {
    Push(Item),
    Unexplain(String),
}

/// What people see: the last report of every alert that is not gone, with its events as they were known then.
#[derive(Default)]
struct Live {
    revisions: BTreeMap<String, u32>,
    standing: BTreeMap<String, naive::Alert>,
}

impl Live {
    fn take(&mut self, firings: Vec<Firing>) {
        for firing in firings {
            let known = self.revisions.insert(firing.id.clone(), firing.revision);
            assert!(known.is_none_or(|old| old < firing.revision), "revisions count on: {known:?} {firing:?}");
            if firing.gone {
                assert!(self.standing.remove(&firing.id).is_some(), "only what stood can go: {firing:?}");
            } else {
                self.standing.insert(firing.id.clone(), self.view(&firing));
            }
        }
    }

    fn view(&self, firing: &Firing) -> naive::Alert {
        let members: Vec<String> = firing.members.to_vec().iter().map(|m| m.to_string()).collect();
        if let Some(added) = &firing.added {
            let before = self.standing[&firing.id].members.iter().map(String::as_str);
            assert!(before.chain(added.iter().map(|m| &**m)).eq(&members), "the list grew at its end: {firing:?}");
        }
        naive::Alert {
            leaves: naive::leaves(&members, &|id| self.standing.get(id).map(|inner| &inner.leaves)),
            members,
            newest: firing.newest.to_string(),
            at: firing.at,
            since: firing.since,
            certainty: firing.certainty.map(|c| c.name()),
            absent: firing.absent.iter().cloned().collect(),
        }
    }
}

/// Under what the steps happen.
#[derive(Clone, Copy)]
pub struct Terms<'a> {
    /// Their bits say after which steps a batch ends, event time moves on, all is committed, or starts anew.
    pub choices: &'a [u8],
    /// When which rules could not be reported.
    pub blind: &'a [Blind],
    /// Keys in memory, if these are bounded.
    pub keys: Option<usize>,
    /// Windows of more items are followed as they move.
    pub few: usize,
    /// A start leaves the rows in the store, and each commit reads on by so many; `None`: it reads them all.
    pub ahead: Option<usize>,
}

/// Everything between the steps and what people see.
struct Stage<'a> {
    form: Vec<u8>,
    terms: Terms<'a>,
    disk: Disk,
    windows: Windows,
    live: Live,
    batch: Vec<Item>,
    withdrawn: Vec<String>,
    now: i64,
}

impl<'a> Stage<'a> {
    fn new(form: &Value, terms: Terms<'a>) -> Self {
        let (form, disk) = (form.to_string().into_bytes(), Disk::default());
        let windows = disk.open(&form, terms);
        let (live, batch, withdrawn) = (Live::default(), Vec::new(), Vec::new());
        Self { form, terms, disk, windows, live, batch, withdrawn, now: i64::MIN }
    }

    fn take(&mut self, step: &Step) {
        match step {
            Step::Push(item) => {
                self.withdraw();
                self.batch.push(item.clone());
            }
            Step::Unexplain(id) => {
                self.push();
                self.withdrawn.push(id.clone());
            }
        }
    }

    fn push(&mut self) {
        self.live.take(self.windows.push(&std::mem::take(&mut self.batch)));
    }

    fn withdraw(&mut self) {
        let ids = std::mem::take(&mut self.withdrawn);
        self.live.take(self.windows.unexplain(&ids.iter().map(String::as_str).collect::<Vec<_>>()));
    }

    fn advance(&mut self, event_time: i64) {
        self.now = event_time;
        self.tell();
        self.live.take(self.windows.advance(event_time));
    }

    /// Says what is known by now of when rules could not be reported: a stretch that is not over is open.
    fn tell(&mut self) {
        let mut known: BTreeMap<(Option<usize>, Option<&str>), Vec<Stretch>> = BTreeMap::new();
        for b in self.terms.blind.iter().filter(|b| b.from < self.now) {
            let to = if b.to < self.now { b.to } else { i64::MAX };
            known.entry((b.rule, b.group.as_deref())).or_default().push((b.from, to));
        }
        for ((rule, group), stretches) in known {
            let part = group.map(|value| ("g".to_owned(), value.to_owned()));
            match (rule, part) {
                (Some(rule), part) => self.windows.blind(rule, part, stretches),
                (None, Some(part)) => self.windows.doubt(part, stretches),
                (None, None) => {}
            }
        }
    }

    fn commit(&mut self) {
        self.disk.commit(&mut self.windows);
        self.windows.committed();
        self.read_ahead();
    }

    fn read_ahead(&mut self) {
        if let Some(rows) = self.terms.ahead {
            self.windows.read_ahead(rows).unwrap();
        }
    }

    fn restart(&mut self) {
        self.disk.commit(&mut self.windows);
        self.windows = self.disk.open(&self.form, self.terms);
        self.tell();
    }
}

/// Runs the steps, each with its arrival.
pub fn run(form: &Value, steps: &[(i64, Step)], terms: Terms<'_>) -> BTreeMap<String, naive::Alert> {
    let mut stage = Stage::new(form, terms);
    for (n, (arrival, step)) in steps.iter().enumerate() {
        let choice = terms.choices[n % terms.choices.len()];
        stage.take(step);
        if choice & 1 == 0 {
            stage.push();
            stage.withdraw();
            if choice & 6 == 0 {
                stage.advance(arrival - LATENESS);
            }
            if choice & 24 == 0 {
                stage.restart();
            } else if choice & 32 == 0 {
                stage.commit();
            }
        }
    }
    stage.push();
    stage.withdraw();
    stage.advance(1000 * SECOND);
    assert_eq!(stage.windows.failure(), None);
    assert_eq!(stage.windows.notices(), []);
    stage.live.standing
}

/// The items as they are in the end.
pub fn whole(steps: &[(i64, Step)]) -> Vec<Item> {
    let unexplained = |id: &str| steps.iter().any(|(_, s)| matches!(s, Step::Unexplain(i) if i == id));
    steps
        .iter()
        .filter_map(|(_, step)| match step {
            Step::Push(item) => Some(Item { explained: item.explained && !unexplained(&item.id), ..item.clone() }),
            Step::Unexplain(_) => None,
        })
        .collect()
}

/// The steps in short.
pub fn show(steps: &[(i64, Step)], choices: &[u8]) -> String {
    let line = |(arrival, step): &(i64, Step)| match step {
        Step::Unexplain(id) => format!("{arrival} unexplain {id}\n"),
        Step::Push(i) => {
            let spot = i.whereabouts.as_ref().map(|w| (w.zone.clone(), w.spot));
            format!("{arrival} r{} {} {:?} {spot:?} {}\n", i.rule, i.id, i.fields, i.explained)
        }
    };
    steps.iter().map(line).chain([format!("{choices:?}")]).collect()
}
