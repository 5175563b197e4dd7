//! Numbers in their order, from which the one of any rank can be asked.
//!
//! They lie in sorted runs of a bounded length, one behind the other. To put one in or take one out moves the numbers of
//! one run; to find a rank walks over the lengths of the runs: both about the square root of how many there are.

/// A run of twice so many numbers is split.
const RUN: usize = 512;

/// A sorted list, equal numbers as often as they were put in.
#[derive(Debug, Default)]
pub(crate) struct Ranks {
    /// None of them is empty.
    runs: Vec<Vec<i128>>,
    count: usize,
}

impl Ranks {
    pub fn len(&self) -> usize {
        self.count
    }

    /// Puts a number in.
    pub fn insert(&mut self, number: i128) {
        self.count += 1;
        let at = self.run_of(number).min(self.runs.len().saturating_sub(1));
        let Some(run) = self.runs.get_mut(at) else {
            self.runs.push(vec![number]);
            return;
        };
        run.insert(run.partition_point(|n| *n < number), number);
        if run.len() >= 2 * RUN {
            let behind = run.split_off(RUN);
            self.runs.insert(at + 1, behind);
        }
    }

    /// Takes a number out once, if it is in.
    pub fn remove(&mut self, number: i128) {
        let at = self.run_of(number);
        let Some(run) = self.runs.get_mut(at) else { return };
        if let Ok(found) = run.binary_search(&number) {
            run.remove(found);
            self.count -= 1;
            if run.is_empty() {
                self.runs.remove(at);
            }
        }
    }

    /// The number that has so many before it.
    pub fn get(&self, mut rank: usize) -> Option<i128> {
        for run in &self.runs {
            match run.get(rank) {
                Some(number) => return Some(*number),
                None => rank -= run.len(),
            }
        }
        None
    }

    /// The first run that ends with the number or a larger one.
    fn run_of(&self, number: i128) -> usize {
        self.runs.partition_point(|run| run.last().is_some_and(|last| *last < number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn is_a_sorted_list(steps in prop::collection::vec((any::<bool>(), 0..400_i128), 1..6000)) {
            let (mut ranks, mut plain) = (Ranks::default(), Vec::new());
            for (put, number) in steps {
                let at = plain.partition_point(|n| *n < number);
                if put || number % 4 > 0 {
                    ranks.insert(number);
                    plain.insert(at, number);
                } else {
                    ranks.remove(number);
                    if plain.get(at) == Some(&number) {
                        plain.remove(at);
                    }
                }
            }
            prop_assert_eq!(ranks.len(), plain.len());
            prop_assert_eq!((0..=plain.len()).map_while(|rank| ranks.get(rank)).collect::<Vec<_>>(), plain);
        }
    }
}
