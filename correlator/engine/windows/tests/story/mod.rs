//! What happens to the windows, step by step, and what stands when all is over.

use std::collections::BTreeMap;

use impetus_windows::{Firing, Item, Windows};
use serde_json::Value;

use crate::naive;

pub const SECOND: i64 = 1_000_000;
pub const LATENESS: i64 = 6 * SECOND;
const CITY: &[u8] =
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

/// Commits the rows that changed and starts anew from all of them.
fn restart(windows: &mut Windows, disk: &mut BTreeMap<Vec<u8>, Vec<u8>>, form: &[u8]) {
    for (key, state) in windows.dirty() {
        match state {
            Some(state) => disk.insert(key, state),
            None => disk.remove(&key),
        };
    }
    *windows = Windows::new(form, CITY).unwrap();
    windows.restore(disk.iter().map(|(k, s)| (k.as_slice(), s.as_slice()))).unwrap();
}

/// Everything between the steps and what people see.
struct Stage {
    form: Vec<u8>,
    windows: Windows,
    disk: BTreeMap<Vec<u8>, Vec<u8>>,
    live: Live,
    batch: Vec<Item>,
    withdrawn: Vec<String>,
}

impl Stage {
    fn new(form: &Value) -> Self {
        let form = form.to_string().into_bytes();
        let windows = Windows::new(&form, CITY).unwrap();
        let (disk, live) = (BTreeMap::new(), Live::default());
        Self { form, windows, disk, live, batch: Vec::new(), withdrawn: Vec::new() }
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
        self.live.take(self.windows.advance(event_time));
    }
}

/// Runs the steps, each with its arrival. The bits of the choices say after which ones a batch ends, event time moves
/// on, and all starts anew.
pub fn run(form: &Value, steps: &[(i64, Step)], choices: &[u8]) -> BTreeMap<String, naive::Alert> {
    let mut stage = Stage::new(form);
    for (n, (arrival, step)) in steps.iter().enumerate() {
        let choice = choices[n % choices.len()];
        stage.take(step);
        if choice & 1 == 0 {
            stage.push();
            stage.withdraw();
            if choice & 6 == 0 {
                stage.advance(arrival - LATENESS);
            }
            if choice & 24 == 0 {
                restart(&mut stage.windows, &mut stage.disk, &stage.form);
            }
        }
    }
    stage.push();
    stage.withdraw();
    stage.advance(1000 * SECOND);
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
