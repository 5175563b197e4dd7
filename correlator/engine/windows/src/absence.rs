//! Absence: the part of an extended condition that asks for what did not happen.

use crate::compile::{Correlation, Measure};
use crate::entry::{Entry, Verdict};
use crate::evaluate::{Outcome, Verdicts, candidates, recount, related};
use crate::key::{Context, Key};
use crate::measure::positions;
use crate::sweep::Sweep;

/// The awaited rules that came while a condition waited.
pub(crate) struct Came {
    pub came: u64,
    /// Those of them that are not in doubt.
    pub believed: u64,
}

/// Says what a window comes to whose condition awaits the absence of rules; `None` if it does not hold. `present` are
/// the rules of its members, and `came` says which awaited rules came from one time to another.
///
/// The awaited event counts from the first positive member to the timespan after the last, both ends included, if it
/// stands in the place relation to the last. What would hold even if every awaited event had come need not wait.
pub(crate) fn wait_for_absent(
    key: &Key,
    context: Context<'_>,
    present: u64,
    outcome: Outcome,
    came: impl FnOnce((i64, i64)) -> Came,
) -> Option<Outcome> {
    let correlation = context.correlation;
    let Measure::Expression(expression) = &correlation.measure else { return Some(outcome) };
    if expression.holds(present | correlation.awaited) {
        return Some(outcome);
    }
    let span = (outcome.first, outcome.at.saturating_add(correlation.timespan));
    let Came { came, believed } = came(span);
    if !expression.holds(present | believed) {
        return None;
    }
    // What is not believed may not have happened, so it neither ends the wait nor proves anything.
    let came = if expression.holds(present | came) { came } else { believed };
    let missing = correlation.awaited & !came;
    let needed = |p: &usize| !expression.holds(present | came | 1 << p);
    let absent = positions(missing).filter(needed).fold(0, |mask, p| mask | 1 << p);
    let hides = |p: &usize| context.blindness.hides(correlation, &key.group, *p, span);
    let unseen = positions(missing).filter(hides).fold(0, |mask, p| mask | 1 << p);
    Some(Outcome {
        at: span.1,
        verdict: Verdict::Awaits,
        absent: if absent == 0 { missing } else { absent },
        unseen: if expression.holds(present | came | unseen) { 0 } else { unseen },
        ..outcome
    })
}

/// The awaited rules that came between two times in the place relation to the item at `newest`.
pub(crate) fn came(key: &Key, context: Context<'_>, newest: usize, span: (i64, i64)) -> Came {
    let near = candidates(key, context.correlation, newest, span);
    let came = related(key, context, newest, context.correlation.awaited, &near);
    Came::of(key, context, came.iter().map(|(index, _)| &key.entries[*index]))
}

impl Came {
    pub fn of<'a>(key: &Key, context: Context<'_>, items: impl Iterator<Item = &'a Entry>) -> Self {
        let mut all = Self { came: 0, believed: 0 };
        for entry in items {
            all.came |= entry.rules & context.correlation.awaited;
            all.believed |= believed(key, context, entry);
        }
        all
    }
}

/// The awaited positions that an item speaks for, without those for which it is in doubt.
fn believed(key: &Key, context: Context<'_>, entry: &Entry) -> u64 {
    let (correlation, span) = (context.correlation, (entry.time, entry.time));
    let doubts = |p: &usize| context.blindness.doubts(correlation, &key.group, *p, span);
    positions(entry.rules & correlation.awaited).filter(|p| !doubts(p)).fold(0, |mask, p| mask | 1 << p)
}

/// Lets every wait fire that is over by now.
pub(crate) fn settle_waits(key: &mut Key, context: Context<'_>) -> Verdicts {
    let mut verdicts = Verdicts::default();
    let timespan = context.correlation.timespan;
    let over: Vec<i64> =
        key.waits.keys().copied().take_while(|time| time.saturating_add(timespan) < context.now).collect();
    let mut sweep = Sweep::default();
    for time in over {
        for index in key.between(time, time) {
            if key.entries[index].waits() {
                recount(key, context, index, &mut sweep, &mut verdicts);
            }
        }
    }
    verdicts
}

/// The end of the first wait that is not over.
pub(crate) fn next_end(key: &Key, correlation: &Correlation, now: i64) -> Option<i64> {
    let ends = |time: &i64| time.saturating_add(correlation.timespan);
    key.waits.range(now.saturating_sub(correlation.timespan)..).map(|(time, _)| ends(time)).find(|end| *end >= now)
}
