//! Decides for each item whether the window that it sees fires.

use std::collections::HashSet;

use crate::absence::{came, wait_for_absent};
use crate::blindness::Doubt;
use crate::compile::{Correlation, Measure};
use crate::entry::{Entry, Verdict};
use crate::item::{Certainty, Whereabouts};
use crate::key::{Context, Key, Touched};
use crate::measure::{Tally, positions};
use crate::nearby::Candidates;
use crate::order::{longest_chain, longest_possible};
use crate::slide::Slide;
use crate::sweep::Sweep;
use crate::view::View;

/// What a window comes to whose condition holds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Outcome {
    /// Event time of the earliest member.
    pub first: i64,
    /// Event time of the newest member, or of the end of the wait.
    pub at: i64,
    pub verdict: Verdict,
    /// Some member is unexplained.
    pub unexplained: bool,
    /// The weakest certainty of the members; `None` without a place relation.
    pub certainty: Option<Certainty>,
    /// Positions of the rules whose absence it rests on.
    pub absent: u64,
    /// Positions of the awaited rules that may have matched unseen, if it depends on them.
    pub unseen: u64,
}

impl Outcome {
    /// One that holds already, wherever its members were.
    pub fn holding(first: i64, at: i64, unexplained: bool) -> Self {
        Self { first, at, verdict: Verdict::Holds, unexplained, certainty: None, absent: 0, unseen: 0 }
    }
}

/// What a firing consists of.
#[derive(Debug, Clone)]
pub(crate) struct Finding {
    /// Indices of the members, ascending.
    pub members: Vec<usize>,
    pub outcome: Outcome,
}

/// What the verdicts of a batch mean for the components.
#[derive(Debug, Default)]
pub(crate) struct Verdicts {
    /// The items that fire and did not before, by index, ascending.
    pub firing: Vec<(usize, Outcome)>,
    /// Some item that fired before fires no more or has other members: components must be formed anew.
    pub unsettled: bool,
    /// Waits that ended in doubt.
    pub doubts: Vec<Doubt>,
}

impl Verdicts {
    /// Takes in what a further look found.
    pub fn merge(&mut self, other: Self) {
        self.firing.extend(other.firing);
        self.firing.sort_unstable_by_key(|(index, _)| *index);
        self.firing.dedup_by_key(|(index, _)| *index);
        self.unsettled |= other.unsettled;
        self.doubts.extend(other.doubts);
    }
}

/// Which of the items stand in relation to the one at `newest`, with it, and how certainly; only those that matched a
/// rule of `mask`.
pub(crate) fn related<'a>(
    key: &'a Key,
    context: Context<'_>,
    newest: usize,
    mask: u64,
    candidates: &'a Candidates,
) -> Vec<(usize, Certainty)> {
    let centre = &key.entries[newest];
    let timeless = context.correlation.is_timeless();
    let mut view = View::of(centre.whereabouts.clone());
    let mut relate = |index: usize, entry: &Entry| match index == newest {
        true => Some(Certainty::Certain),
        false if timeless => view.relate(context, entry, mask),
        false => relation(context, place_of(centre), place_of(entry)),
    };
    candidates
        .iter(&key.entries)
        .filter(|(_, entry)| entry.rules & mask != 0)
        .filter_map(|(index, entry)| relate(index, entry).map(|c| (index, c)))
        .collect()
}

/// Whether an item stands in relation to the one at `newest`.
pub(crate) fn relates(key: &Key, context: Context<'_>, newest: usize, index: usize) -> bool {
    index == newest || relation(context, place_of(&key.entries[newest]), place_of(&key.entries[index])).is_some()
}

fn place_of(entry: &Entry) -> (i64, Option<&Whereabouts>) {
    (entry.time, entry.whereabouts.as_deref())
}

/// The items of a stretch of time that may stand in relation to the one at `newest`.
pub(crate) fn candidates(key: &Key, correlation: &Correlation, newest: usize, (from, to): (i64, i64)) -> Candidates {
    let range = key.between(from, to);
    match &correlation.place {
        Some(place) => key.nearby.candidates(place, &key.entries, newest, range),
        None => Candidates::all(range),
    }
}

/// How two items stand to each other, by their times and where they were.
pub(crate) fn relation(
    context: Context<'_>,
    (time, here): (i64, Option<&Whereabouts>),
    (then, there): (i64, Option<&Whereabouts>),
) -> Option<Certainty> {
    let nowhere = Whereabouts::default();
    let Some(place) = &context.correlation.place else { return Some(Certainty::Certain) };
    place.relates(context.city, (time, here.unwrap_or(&nowhere)), (then, there.unwrap_or(&nowhere)))
}

/// What the window of the item at `index` comes to; `None` if the condition does not hold.
pub(crate) fn find(key: &Key, context: Context<'_>, index: usize) -> Option<Finding> {
    let correlation = context.correlation;
    let newest = &key.entries[index];
    if newest.rules & correlation.wanted == 0 {
        return None;
    }
    let span = (newest.time.saturating_sub(correlation.timespan), newest.time);
    among(key, context, index, &candidates(key, correlation, index, span))
}

/// The same where those that may stand in relation to the item are known.
pub(crate) fn among(key: &Key, context: Context<'_>, index: usize, near: &Candidates) -> Option<Finding> {
    let (correlation, newest) = (context.correlation, &key.entries[index]);
    if !may_hold(key, correlation, index, near) {
        return None;
    }
    let window = related(key, context, index, correlation.wanted, near);
    let members = select(key, context, index, window)?;
    let weakest = members.iter().map(|(_, certainty)| *certainty).min();
    let members: Vec<usize> = members.into_iter().map(|(i, _)| i).collect();
    let mut outcome = whole(key, &members, newest.time);
    outcome.certainty = correlation.place.as_ref().and(weakest);
    if correlation.awaited != 0 {
        let present = members.iter().fold(0, |mask, i| mask | key.entries[*i].rules) & correlation.wanted;
        outcome = wait_for_absent(key, context, present, outcome, |span| came(key, context, index, span))?;
    }
    Some(Finding { members, outcome })
}

/// What members come to that need not wait.
fn whole(key: &Key, members: &[usize], at: i64) -> Outcome {
    let first = members.first().map_or(at, |i| key.entries[*i].time);
    Outcome::holding(first, at, members.iter().any(|i| !key.entries[*i].explained))
}

/// A quick look that may only ever say no where the condition does not hold: most items of a flood end here.
fn may_hold(key: &Key, correlation: &Correlation, newest: usize, near: &Candidates) -> bool {
    let Entry { rules, time, .. } = key.entries[newest];
    if correlation.ordered {
        let at_once = key.entries.range(key.between(time, time)).fold(0, |mask, e| mask | e.rules);
        if longest_possible(rules, at_once, correlation.wanted) < correlation.floor {
            return false;
        }
    }
    match correlation.measure {
        Measure::Events(_) => near.len() >= correlation.floor as usize,
        Measure::Rules(_) | Measure::Ordered(_) | Measure::Expression(_) => {
            let mut present = 0_u64;
            let mut enough = |e: &Entry| {
                present |= e.rules & correlation.wanted;
                present.count_ones() >= correlation.floor
            };
            near.iter(&key.entries).rev().any(|(_, entry)| enough(entry))
        }
        _ => true,
    }
}

/// The members of the window, if the measure holds for it (an absence is looked at afterwards).
fn select(
    key: &Key,
    context: Context<'_>,
    newest: usize,
    window: Vec<(usize, Certainty)>,
) -> Option<Vec<(usize, Certainty)>> {
    let correlation = context.correlation;
    if correlation.ordered {
        return select_ordered(key, context, newest, window);
    }
    if correlation.awaited != 0 {
        return Some(window);
    }
    let mut tally = Tally::new(correlation);
    window.iter().for_each(|(index, _)| tally.add(&key.entries[*index]));
    tally.holds(&correlation.measure).then_some(window)
}

fn select_ordered(
    key: &Key,
    context: Context<'_>,
    newest: usize,
    window: Vec<(usize, Certainty)>,
) -> Option<Vec<(usize, Certainty)>> {
    let entries: Vec<&Entry> = window.iter().map(|(index, _)| &key.entries[*index]).collect();
    let at = window.iter().position(|(index, _)| *index == newest)?;
    let chain = longest_chain(&entries, at, context.correlation.wanted);
    let holds = match &context.correlation.measure {
        Measure::Ordered(comparison) => comparison.holds(chain.length as f64),
        _ => chain.length == context.correlation.wanted.count_ones() as usize,
    };
    holds.then(|| chain.members.iter().map(|i| window[*i]).collect())
}

/// Renews the verdicts of every item whose window a batch of changes touched.
pub(crate) fn renew(key: &mut Key, context: Context<'_>, touched: &Touched) -> Verdicts {
    match touched.span {
        None => Verdicts::default(),
        Some(span) if context.correlation.slides() => renew_sliding(key, context, span, touched.in_order),
        Some(span) => renew_scanning(key, context, span, touched),
    }
}

fn renew_sliding(key: &mut Key, context: Context<'_>, (from, _): (i64, i64), in_order: bool) -> Verdicts {
    let timespan = context.correlation.timespan;
    let mut verdicts = Verdicts { unsettled: !in_order, ..Verdicts::default() };
    let mut start = key.index_of(from);
    if start == key.entries.len() {
        // Only the newest items were taken back: a window that begins here would miss older ones.
        key.slide = None;
        return verdicts;
    }
    let mut slide = key
        .slide
        .take()
        .filter(|_| in_order)
        .unwrap_or_else(|| Slide::at(key.index_of(from.saturating_sub(timespan)), context.correlation));
    while start < key.entries.len() {
        let time = key.entries[start].time;
        let end = tick_end(key, start);
        slide.move_to(&key.entries, (time.saturating_sub(timespan), time), end, |_| Some(Certainty::Certain));
        let holds = slide.tally().holds(&context.correlation.measure);
        let fires = holds && slide.is_unexplained();
        let verdict = if holds { Verdict::Holds } else { Verdict::None };
        let outcome = Outcome::holding(time, time, true);
        (start..end).for_each(|i| settle(key, i, verdict, fires.then_some(outcome), &mut verdicts));
        start = end;
    }
    key.slide = Some(slide);
    verdicts
}

/// The index behind the items of one and the same time; steps, because most times belong to few items.
fn tick_end(key: &Key, start: usize) -> usize {
    let time = key.entries[start].time;
    key.entries.range(start..).position(|e| e.time != time).map_or(key.entries.len(), |n| start + n)
}

fn renew_scanning(key: &mut Key, context: Context<'_>, (from, to): (i64, i64), touched: &Touched) -> Verdicts {
    let correlation = context.correlation;
    // What comes after an item matters to its wait alone.
    let back = if touched.rules & correlation.awaited == 0 { 0 } else { correlation.timespan };
    // Among other firings, the quick way of joining the members of a stretch would not find them all.
    let amid = correlation.stretches() && (back > 0 || !touched.in_order);
    let mut verdicts = Verdicts { unsettled: touched.taken_back || amid, ..Verdicts::default() };
    let mut sweep = if back == 0 { std::mem::take(&mut key.sweep) } else { Sweep::default() };
    for index in key.between(from.saturating_sub(back), to.saturating_add(correlation.timespan)) {
        let outcome = sweep.judge(key, context, index);
        let counting = outcome.filter(|outcome| counts(context, *outcome));
        let doubt = counting.and_then(|outcome| doubt(key, context, index, outcome));
        let verdict = outcome.filter(|_| doubt.is_none()).map_or(Verdict::None, |outcome| outcome.verdict);
        verdicts.unsettled |= key.entries[index].fires;
        settle(key, index, verdict, counting.filter(|_| doubt.is_none()), &mut verdicts);
        verdicts.doubts.extend(doubt);
    }
    key.sweep = sweep;
    verdicts
}

/// What holds counts when its wait is over and some member is unexplained.
fn counts(context: Context<'_>, outcome: Outcome) -> bool {
    outcome.unexplained && (outcome.verdict == Verdict::Holds || outcome.at < context.now)
}

/// What there is to say of a finding that would count, had somebody been able to see what it rests on.
fn doubt(key: &Key, context: Context<'_>, index: usize, outcome: Outcome) -> Option<Doubt> {
    (outcome.unseen != 0).then(|| Doubt {
        rule: 0,
        group: key.group.clone(),
        since: outcome.first,
        until: outcome.at,
        unseen: positions(outcome.unseen).map(|p| context.correlation.rules[p]).collect(),
        newest: key.entries[index].id.clone(),
    })
}

fn settle(key: &mut Key, index: usize, verdict: Verdict, firing: Option<Outcome>, verdicts: &mut Verdicts) {
    let fired = key.entries[index].fires;
    verdicts.firing.extend(firing.filter(|_| !fired).map(|outcome| (index, outcome)));
    verdicts.unsettled |= fired && firing.is_none();
    key.set(index, verdict, firing.is_some());
}

/// Withdraws the explanation of items; the verdicts stand, but some of them count only now.
pub(crate) fn unexplain(key: &mut Key, context: Context<'_>, ids: &HashSet<&str>) -> Verdicts {
    let mut verdicts = Verdicts::default();
    let explained: Vec<usize> =
        (0..key.entries.len()).filter(|i| key.entries[*i].explained && ids.contains(&*key.entries[*i].id)).collect();
    for index in &explained {
        key.entries[*index].explained = false;
        key.chunks.touch(key.entries[*index].chunk);
    }
    if !explained.is_empty() {
        key.lose_place();
    }
    let spans: Vec<(i64, i64)> = explained.iter().map(|i| key.entries[*i].time).map(|t| (t, t)).collect();
    for (from, to) in spans {
        let mut sweep = Sweep::default();
        for index in key.between(from, to.saturating_add(context.correlation.timespan)) {
            recount(key, context, index, &mut sweep, &mut verdicts);
        }
    }
    verdicts
}

/// Whether an item that does not fire does so now, by the standing verdict.
pub(crate) fn recount(key: &mut Key, context: Context<'_>, index: usize, sweep: &mut Sweep, verdicts: &mut Verdicts) {
    if key.entries[index].fires || key.entries[index].verdict == Verdict::None {
        return;
    }
    let outcome = if context.correlation.slides() {
        standing(key, context, index).map(|finding| finding.outcome)
    } else {
        sweep.judge(key, context, index)
    };
    let Some(outcome) = outcome else {
        // What it waited with was in doubt, and is not any more. It would go on waiting when that is forgotten.
        return key.set(index, Verdict::None, false);
    };
    if !counts(context, outcome) {
        return;
    }
    if let Some(doubt) = doubt(key, context, index, outcome) {
        // Over, and no alert: it waits no more.
        key.set(index, Verdict::None, false);
        verdicts.doubts.push(doubt);
    } else {
        key.set(index, key.entries[index].verdict, true);
        verdicts.firing.push((index, outcome));
        let time = key.entries[index].time;
        let amid = key.components.values().any(|component| component.last_fire > time);
        verdicts.unsettled |= context.correlation.stretches() && amid;
    }
}

/// The finding behind a standing verdict. What of the window has been forgotten since was no member.
pub(crate) fn standing(key: &Key, context: Context<'_>, index: usize) -> Option<Finding> {
    if !context.correlation.slides() {
        return find(key, context, index);
    }
    let time = key.entries[index].time;
    let members: Vec<usize> = key.between(time.saturating_sub(context.correlation.timespan), time).collect();
    let outcome = Outcome { verdict: key.entries[index].verdict, ..whole(key, &members, time) };
    Some(Finding { members, outcome })
}
