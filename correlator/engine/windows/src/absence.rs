//! Absence: the part of an extended condition that asks for what did not happen.

use crate::compile::{Correlation, Measure};
use crate::entry::{Entry, Verdict};
use crate::evaluate::{Finding, Verdicts, candidates, recount, related};
use crate::key::{Context, Key};
use crate::measure::positions;

/// Finishes a finding whose condition awaits the absence of rules, or says that it does not hold.
///
/// The awaited event counts from the first positive member to the timespan after the last, both ends included, if it
/// stands in the place relation to the last. What would hold even if every awaited event had come need not wait.
pub(crate) fn wait_for_absent(key: &Key, context: Context<'_>, newest: usize, finding: &mut Finding) -> Option<()> {
    let correlation = context.correlation;
    let Measure::Expression(expression) = &correlation.measure else { return Some(()) };
    let present = finding.members.iter().fold(0, |mask, i| mask | key.entries[*i].rules) & correlation.wanted;
    if expression.holds(present | correlation.awaited) {
        return Some(());
    }
    let end = finding.at.saturating_add(correlation.timespan);
    let first = finding.members.first().map_or(finding.at, |i| key.entries[*i].time);
    let near = candidates(key, correlation, newest, (first, end));
    let came = related(key, context, newest, correlation.awaited, &near);
    let believed = came.iter().fold(0, |mask, (i, _)| mask | believed(key, context, &key.entries[*i]));
    let came = came.iter().fold(0, |mask, (i, _)| mask | key.entries[*i].rules) & correlation.awaited;
    if !expression.holds(present | believed) {
        return None;
    }
    // What is not believed may not have happened, so it neither ends the wait nor proves anything.
    let came = if expression.holds(present | came) { came } else { believed };
    let missing = correlation.awaited & !came;
    finding.absent =
        positions(missing).filter(|p| !expression.holds(present | came | 1 << p)).fold(0, |mask, p| mask | 1 << p);
    if finding.absent == 0 {
        finding.absent = missing;
    }
    let hides = |p: &usize| context.blindness.hides(correlation, &key.group, *p, (first, end));
    let unseen = positions(missing).filter(hides).fold(0, |mask, p| mask | 1 << p);
    finding.unseen = if expression.holds(present | came | unseen) { 0 } else { unseen };
    finding.at = end;
    finding.verdict = Verdict::Awaits;
    Some(())
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
    for time in over {
        for index in key.between(time, time) {
            if key.entries[index].waits() {
                recount(key, context, index, &mut verdicts);
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
