//! What a window counts, kept so that items can enter and leave in any order without drift.

use std::collections::HashMap;

use crate::compile::{Correlation, Measure};
use crate::entry::Entry;
use crate::ranks::Ranks;

/// Fixed point of 40 fractional bits: sums are exact, so they do not depend on the order in which items came.
const SCALE: f64 = (1_u64 << 40) as f64;
const LARGEST: f64 = (1_u64 << 63) as f64;

/// A number as fixed point in the form in which entries carry values; `None` for a text that is no number.
pub(crate) fn fixed_point(text: &str) -> Option<u128> {
    let number: f64 = text.trim().parse().ok().filter(|n: &f64| n.is_finite())?;
    Some((number.clamp(-LARGEST, LARGEST) * SCALE).round() as i128 as u128)
}

fn number(fixed: i128) -> f64 {
    fixed as f64 / SCALE
}

/// The running tally of a window.
#[derive(Debug)]
pub(crate) enum Tally {
    Events(usize),
    Distinct(HashMap<u128, u32>),
    Sum(i128, usize),
    Sorted(Ranks),
    Rules(Vec<u32>),
}

impl Tally {
    /// An empty tally of what the correlation measures.
    pub fn new(correlation: &Correlation) -> Self {
        match correlation.measure {
            Measure::Events(_) if correlation.counts_by_id() => Self::Distinct(HashMap::new()),
            Measure::Events(_) => Self::Events(0),
            Measure::Values(_) => Self::Distinct(HashMap::new()),
            Measure::Sum(_) | Measure::Average(_) => Self::Sum(0, 0),
            Measure::Percentile(..) => Self::Sorted(Ranks::default()),
            Measure::Rules(_) | Measure::Ordered(_) | Measure::Expression(_) => {
                Self::Rules(vec![0; correlation.rules.len()])
            }
        }
    }

    /// An item enters the window.
    pub fn add(&mut self, entry: &Entry) {
        match self {
            Self::Events(count) => *count += 1,
            Self::Distinct(counts) => entry.values.iter().for_each(|v| *counts.entry(*v).or_default() += 1),
            Self::Sum(sum, count) => {
                *sum = entry.values.iter().fold(*sum, |sum, v| sum.saturating_add(*v as i128));
                *count += entry.values.len();
            }
            Self::Sorted(numbers) => entry.values.iter().for_each(|v| numbers.insert(*v as i128)),
            Self::Rules(counts) => counted(counts, entry.rules).for_each(|c| *c += 1),
        }
    }

    /// An item that had entered leaves the window.
    pub fn remove(&mut self, entry: &Entry) {
        match self {
            Self::Events(count) => *count -= 1,
            Self::Distinct(counts) => entry.values.iter().for_each(|v| forget_one(counts, *v)),
            Self::Sum(sum, count) => {
                *sum = entry.values.iter().fold(*sum, |sum, v| sum.saturating_sub(*v as i128));
                *count -= entry.values.len();
            }
            Self::Sorted(numbers) => entry.values.iter().for_each(|v| numbers.remove(*v as i128)),
            Self::Rules(counts) => counted(counts, entry.rules).for_each(|c| *c -= 1),
        }
    }

    /// Whether the measure holds for the window.
    pub fn holds(&self, measure: &Measure) -> bool {
        match measure {
            Measure::Events(c) | Measure::Values(c) | Measure::Rules(c) | Measure::Ordered(c) => {
                c.holds(self.count() as f64)
            }
            Measure::Sum(c) => self.sum().is_some_and(|(sum, _)| c.holds(sum)),
            Measure::Average(c) => self.sum().is_some_and(|(sum, count)| c.holds(sum / count as f64)),
            Measure::Percentile(wanted, c) => self.percentile(*wanted).is_some_and(|p| c.holds(p)),
            Measure::Expression(expression) => expression.holds(self.present()),
        }
    }

    fn count(&self) -> usize {
        match self {
            Self::Events(count) => *count,
            Self::Distinct(counts) => counts.len(),
            Self::Rules(counts) => counts.iter().filter(|c| **c > 0).count(),
            Self::Sum(..) | Self::Sorted(_) => 0,
        }
    }

    /// The rules that the window holds.
    pub fn present(&self) -> u64 {
        match self {
            Self::Rules(counts) => {
                counts.iter().enumerate().filter(|(_, c)| **c > 0).fold(0, |mask, (position, _)| mask | 1 << position)
            }
            _ => 0,
        }
    }

    fn sum(&self) -> Option<(f64, usize)> {
        match self {
            Self::Sum(sum, count) if *count > 0 => Some((number(*sum), *count)),
            _ => None,
        }
    }

    fn percentile(&self, wanted: f64) -> Option<f64> {
        let Self::Sorted(numbers) = self else { return None };
        let rank = wanted / 100.0 * numbers.len().checked_sub(1)? as f64;
        let (below, above) = (rank.floor() as usize, rank.ceil() as usize);
        let (low, high) = (number(numbers.get(below)?), number(numbers.get(above)?));
        Some(low + (high - low) * rank.fract())
    }
}

/// The counts of the rules of a mask; a position that the correlation does not have (in damaged state) has none.
fn counted(counts: &mut [u32], rules: u64) -> impl Iterator<Item = &mut u32> {
    counts.iter_mut().enumerate().filter(move |(position, _)| rules & (1 << position) != 0).map(|(_, count)| count)
}

fn forget_one(counts: &mut HashMap<u128, u32>, value: u128) {
    if let Some(count) = counts.get_mut(&value) {
        *count -= 1;
        if *count == 0 {
            counts.remove(&value);
        }
    }
}

/// The positions of the set bits.
pub(crate) fn positions(mask: u64) -> impl Iterator<Item = usize> {
    std::iter::successors(Some(mask), |m| Some(m & m.wrapping_sub(1)))
        .take_while(|m| *m != 0)
        .map(|m| m.trailing_zeros() as usize)
}
