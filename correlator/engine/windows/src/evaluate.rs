//! Decides for each item whether the window that it sees fires.

use std::collections::HashSet;

use crate::absence::wait_for_absent;
use crate::blindness::Doubt;
use crate::compile::{Correlation, Measure};
use crate::entry::{Entry, Verdict};
use crate::item::{Certainty, Whereabouts};
use crate::key::{Context, Key, Touched};
use crate::measure::{Tally, positions};
use crate::nearby::Candidates;
use crate::order::{longest_chain, longest_possible};
use crate::slide::Slide;

/// What a firing consists of.
#[derive(Debug, Clone)]
pub(crate) struct Finding {
    /// Indices of the members, ascending.
    pub members: Vec<usize>,
    /// The weakest certainty of the members; `None` without a place relation.
    pub certainty: Option<Certainty>,
    /// Event time of the newest member, or of the end of the wait.
    pub at: i64,
    pub verdict: Verdict,
    /// Positions of the rules whose absence it rests on.
    pub absent: u64,
    /// Positions of the awaited rules that may have matched unseen, if it depends on them.
    pub unseen: u64,
}

/// What the verdicts of a batch mean for the components.
#[derive(Debug, Default)]
pub(crate) struct Verdicts {
    /// Indices of the items that fire and did not before, ascending.
    pub firing: Vec<usize>,
    /// Some item that fired before fires no more or has other members: components must be formed anew.
    pub unsettled: bool,
    /// Waits that ended in doubt.
    pub doubts: Vec<Doubt>,
}

impl Verdicts {
    /// Takes in what a further look found.
    pub fn merge(&mut self, other: Self) {
        self.firing.extend(other.firing);
        self.firing.sort_unstable();
        self.firing.dedup();
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
    // A flood mostly comes from one spot: what holds there for one item holds for the next, unless times matter.
    let timeless = context.correlation.place.as_ref().is_some_and(|place| place.speed.is_none());
    let mut last: Option<(&'a Entry, Option<Certainty>)> = None;
    let mut relate = |index: usize, entry: &'a Entry| match last {
        _ if index == newest => Some(Certainty::Certain),
        Some((before, known)) if timeless && before.whereabouts == entry.whereabouts => known,
        _ => last.insert((entry, relation(context, centre, entry))).1,
    };
    candidates
        .iter(&key.entries)
        .filter(|(_, entry)| entry.rules & mask != 0)
        .filter_map(|(index, entry)| relate(index, entry).map(|c| (index, c)))
        .collect()
}

/// The items of a stretch of time that may stand in relation to the one at `newest`.
pub(crate) fn candidates(key: &Key, correlation: &Correlation, newest: usize, (from, to): (i64, i64)) -> Candidates {
    let range = key.between(from, to);
    match &correlation.place {
        Some(place) => key.nearby.candidates(place, &key.entries, newest, range),
        None => Candidates::all(range),
    }
}

fn relation(context: Context<'_>, centre: &Entry, other: &Entry) -> Option<Certainty> {
    let nowhere = Whereabouts::default();
    match &context.correlation.place {
        Some(place) => place.relates(
            context.city,
            (centre.time, centre.whereabouts.as_deref().unwrap_or(&nowhere)),
            (other.time, other.whereabouts.as_deref().unwrap_or(&nowhere)),
        ),
        None => Some(Certainty::Certain),
    }
}

/// What the window of the item at `index` comes to; `None` if the condition does not hold.
pub(crate) fn find(key: &Key, context: Context<'_>, index: usize) -> Option<Finding> {
    let correlation = context.correlation;
    let newest = &key.entries[index];
    if newest.rules & correlation.wanted == 0 {
        return None;
    }
    let span = (newest.time.saturating_sub(correlation.timespan), newest.time);
    let near = candidates(key, correlation, index, span);
    if !may_hold(key, correlation, index, &near) {
        return None;
    }
    let window = related(key, context, index, correlation.wanted, &near);
    let members = select(key, context, index, window)?;
    let indices: Vec<usize> = members.iter().map(|(i, _)| *i).collect();
    let weakest = members.iter().map(|(_, certainty)| *certainty).min();
    let mut finding = Finding {
        members: indices,
        certainty: correlation.place.as_ref().and(weakest),
        at: newest.time,
        verdict: Verdict::Holds,
        absent: 0,
        unseen: 0,
    };
    if correlation.awaited != 0 {
        wait_for_absent(key, context, index, &mut finding)?;
    }
    Some(finding)
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
        slide.move_to(&key.entries, time.saturating_sub(timespan), end);
        let (holds, fires) = slide.judge(context.correlation);
        let verdict = if holds { Verdict::Holds } else { Verdict::None };
        (start..end).for_each(|i| settle(key, i, verdict, fires, &mut verdicts));
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
    let mut verdicts = Verdicts { unsettled: touched.taken_back, ..Verdicts::default() };
    for index in key.between(from.saturating_sub(back), to.saturating_add(correlation.timespan)) {
        let finding = find(key, context, index);
        let fires = finding.as_ref().is_some_and(|f| counts(key, context, f));
        let doubt = finding.as_ref().filter(|_| fires).and_then(|f| doubt(key, context, index, f));
        let verdict = finding.filter(|_| doubt.is_none()).map_or(Verdict::None, |f| f.verdict);
        let fires = fires && doubt.is_none();
        verdicts.doubts.extend(doubt);
        verdicts.unsettled |= key.entries[index].fires;
        settle(key, index, verdict, fires, &mut verdicts);
    }
    verdicts
}

/// A finding counts when its wait is over and some member is unexplained.
pub(crate) fn counts(key: &Key, context: Context<'_>, finding: &Finding) -> bool {
    let over = finding.verdict == Verdict::Holds || finding.at < context.now;
    over && finding.members.iter().any(|i| !key.entries[*i].explained)
}

/// What there is to say of a finding that would count, had somebody been able to see what it rests on.
fn doubt(key: &Key, context: Context<'_>, index: usize, finding: &Finding) -> Option<Doubt> {
    (finding.unseen != 0).then(|| Doubt {
        rule: 0,
        group: key.group.clone(),
        since: finding.members.first().map_or(finding.at, |i| key.entries[*i].time),
        until: finding.at,
        unseen: positions(finding.unseen).map(|p| context.correlation.rules[p]).collect(),
        newest: key.entries[index].id.clone(),
    })
}

fn settle(key: &mut Key, index: usize, verdict: Verdict, fires: bool, verdicts: &mut Verdicts) {
    let fired = key.entries[index].fires;
    if fires && !fired {
        verdicts.firing.push(index);
    }
    verdicts.unsettled |= fired && !fires;
    key.set(index, verdict, fires);
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
        key.slide = None;
    }
    let spans: Vec<(i64, i64)> = explained.iter().map(|i| key.entries[*i].time).map(|t| (t, t)).collect();
    for (from, to) in spans {
        for index in key.between(from, to.saturating_add(context.correlation.timespan)) {
            recount(key, context, index, &mut verdicts);
        }
    }
    verdicts
}

/// Whether an item that does not fire does so now, by the standing verdict.
pub(crate) fn recount(key: &mut Key, context: Context<'_>, index: usize, verdicts: &mut Verdicts) {
    if key.entries[index].fires || key.entries[index].verdict == Verdict::None {
        return;
    }
    let Some(finding) = standing(key, context, index) else { return };
    if !counts(key, context, &finding) {
        return;
    }
    if let Some(doubt) = doubt(key, context, index, &finding) {
        // Over, and no alert: it waits no more.
        key.set(index, Verdict::None, false);
        verdicts.doubts.push(doubt);
    } else {
        key.set(index, key.entries[index].verdict, true);
        verdicts.firing.push(index);
        // It lies among older firings, which the quick way of forming components does not expect.
        verdicts.unsettled = true;
    }
}

/// The finding behind a standing verdict. What of the window has been forgotten since was no member.
pub(crate) fn standing(key: &Key, context: Context<'_>, index: usize) -> Option<Finding> {
    if !context.correlation.slides() {
        return find(key, context, index);
    }
    let time = key.entries[index].time;
    Some(Finding {
        members: key.between(time.saturating_sub(context.correlation.timespan), time).collect(),
        certainty: None,
        at: time,
        verdict: key.entries[index].verdict,
        absent: 0,
        unseen: 0,
    })
}
