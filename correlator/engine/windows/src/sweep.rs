//! Windows judged one after the other, those of one place in one go.
//!
//! A flood mostly comes from few places. What its windows hold differs little from one item to the next, so each takes
//! constant time on the mean, where looking at all that it holds would let the flood of one group hold up the others.

use std::sync::Arc;

use crate::absence::{Came, came, wait_for_absent};
use crate::compile::Correlation;
use crate::evaluate::{Outcome, among, candidates};
use crate::item::{Certainty, Whereabouts};
use crate::key::{Context, Key};
use crate::slide::Slide;
use crate::view::View;

/// So many times the items near a place may be in the window before it is worth while to go over all of them.
const SHARE: usize = 16;

/// At most so many places are followed at once.
const PLACES: usize = 16;

/// Judges the windows of a key in ascending order of their newest items.
#[derive(Debug, Default)]
pub(crate) struct Sweep {
    sights: Vec<Sight>,
    /// The one that makes room for the next.
    oldest: usize,
}

impl Sweep {
    /// What the window of the item at `index` comes to; `None` if the condition does not hold.
    pub fn judge(&mut self, key: &Key, context: Context<'_>, index: usize) -> Option<Outcome> {
        let (correlation, newest) = (context.correlation, &key.entries[index]);
        if newest.rules & correlation.wanted == 0 {
            return None;
        }
        let place = newest.whereabouts.as_ref().filter(|_| correlation.place.is_some());
        let known = self.sights.iter().position(|sight| sight.from.is_of(place));
        let span = (newest.time.saturating_sub(correlation.timespan), newest.time);
        let at = match known {
            Some(at) => at,
            None => {
                let near = candidates(key, correlation, index, span);
                let few = || near.len().saturating_mul(SHARE) < key.between(span.0, span.1).len();
                if near.len() <= context.few || !correlation.sweeps() || few() {
                    return among(key, context, index, &near).map(|finding| finding.outcome);
                }
                self.open(Sight::of(place, key.index_of(span.0), correlation))
            }
        };
        self.sights[at].judge(key, context, index)
    }

    fn open(&mut self, sight: Sight) -> usize {
        if self.sights.len() < PLACES {
            self.sights.push(sight);
            return self.sights.len() - 1;
        }
        let at = self.oldest;
        self.oldest = (at + 1) % PLACES;
        self.sights[at] = sight;
        at
    }
}

/// The windows of items that were at one place.
#[derive(Debug)]
struct Sight {
    from: View,
    members: Slide,
    awaited: Slide,
}

impl Sight {
    fn of(place: Option<&Arc<Whereabouts>>, start: usize, correlation: &Correlation) -> Self {
        let slide = || Slide::at(start, correlation);
        Self { from: View::of(place.cloned()), members: slide(), awaited: slide() }
    }

    fn judge(&mut self, key: &Key, context: Context<'_>, index: usize) -> Option<Outcome> {
        let (correlation, newest) = (context.correlation, &key.entries[index]);
        let since = newest.time.saturating_sub(correlation.timespan);
        let end = key.between(newest.time, newest.time).end;
        let (from, members) = (&mut self.from, &mut self.members);
        let own = from.relate(context, newest, correlation.wanted);
        members.move_to(&key.entries, (since, newest.time), end, |e| from.relate(context, e, correlation.wanted));
        // The newest itself is a member, and certainly so, whatever the relation says of two items at its place.
        own.inspect(|own| members.let_go(newest, *own));
        members.take_in(newest, Certainty::Certain);
        let outcome = Outcome {
            certainty: correlation.place.as_ref().map(|_| members.certainty()),
            ..Outcome::holding(
                members.items(&key.entries).next().map_or(newest.time, |oldest| oldest.time),
                newest.time,
                members.is_unexplained(),
            )
        };
        let (holds, present) = (members.tally().holds(&correlation.measure), members.tally().present());
        members.let_go(newest, Certainty::Certain);
        own.inspect(|own| members.take_in(newest, *own));
        if correlation.awaited == 0 {
            return holds.then_some(outcome);
        }
        self.wait(key, context, index, present & correlation.wanted, outcome)
    }

    fn wait(
        &mut self,
        key: &Key,
        context: Context<'_>,
        index: usize,
        present: u64,
        outcome: Outcome,
    ) -> Option<Outcome> {
        wait_for_absent(key, context, present, outcome, |(from, to)| {
            if context.blindness.is_doubtful() {
                return came(key, context, index, (from, to));
            }
            let (view, rules) = (&mut self.from, context.correlation.awaited);
            let end = key.between(from, to).end;
            self.awaited.move_to(&key.entries, (from, from), end, |entry| view.relate(context, entry, rules));
            // An item that matched both a rule that is wanted and one that is awaited speaks for both.
            let came = (self.awaited.tally().present() | key.entries[index].rules) & rules;
            Came { came, believed: came }
        })
    }
}
