//! Takes items to the keys that they count in.
//!
//! Where there are a million keys, nearly every item meets one whose memory is far away. So items come in rounds: all
//! their keys are looked up first, then fetched, and only then changed one after the other. What the processor waits
//! for in one step it waits for once a round and not once an item.

use std::hint::black_box;
use std::ops::Range;

use crate::codec::Writer;
use crate::compile::Correlation;
use crate::engine::{Mail, Windows};
use crate::entry::Entry;
use crate::group::values_of;
use crate::item::Item;
use crate::key::Change;
use crate::keys::{Handle, NameHash};
use crate::limits::Bound;
use crate::name::for_each_name;

/// Items of a round: what they need together stays in the nearest cache.
pub(crate) const ROUND: usize = 64;

/// An item on its way to one key.
#[derive(Debug)]
struct Address {
    item: usize,
    correlation: usize,
    /// Of the item's rule in the correlation.
    position: usize,
    /// Where the name of the key stands.
    name: Range<usize>,
    hash: NameHash,
    guess: Option<Handle>,
}

/// The addresses of a round, kept for the next one so that their memory is used again.
#[derive(Debug, Default)]
pub(crate) struct Round {
    names: Writer,
    addresses: Vec<Address>,
}

impl Windows {
    /// Addresses items (or their withdrawals) to every key that they count in. At rest, a key takes an item in at once.
    pub(crate) fn post(&mut self, items: &[&Item], stands: bool, mail: &mut [Mail]) {
        let mut round = std::mem::take(&mut self.round);
        self.address(items, &mut round);
        self.fetch(&mut round);
        for address in round.addresses.drain(..) {
            let name = &round.names.bytes()[address.name.clone()];
            if stands {
                self.hand_over(&address, name, items[address.item], mail);
            } else {
                self.withdraw(&address, name, items[address.item], mail);
            }
        }
        round.names.truncate(0);
        self.round = round;
    }

    fn address(&self, items: &[&Item], round: &mut Round) {
        let Round { names, addresses } = round;
        for (at, item) in items.iter().enumerate() {
            for &(index, position) in self.subscribers.get(item.rule).into_iter().flatten() {
                if !self.beginnings.admits(index, &item.id) {
                    continue;
                }
                let first = addresses.len();
                for_each_name((index, &self.correlations[index]), position, &item.fields, names, |name| {
                    let hash = NameHash::default();
                    addresses.push(Address { item: at, correlation: index, position, name, hash, guess: None });
                });
                for address in &mut addresses[first..] {
                    address.hash = self.keys.hash(&names.bytes()[address.name.clone()]);
                }
            }
        }
    }

    /// Step by step for all, so that the next look-up need not wait for the one before.
    fn fetch(&self, round: &mut Round) {
        for address in &mut round.addresses {
            address.guess = self.keys.guess(address.hash);
        }
        let glances = round.addresses.iter().filter_map(|address| address.guess).map(|key| self.keys.glance(key));
        black_box(glances.fold(0, |all, glance| all ^ glance));
    }

    fn known(&mut self, address: &Address, name: &[u8]) -> Option<Handle> {
        // A key that an item of this round made was not there to be guessed.
        let guess = address.guess.filter(|handle| self.keys.name(*handle) == name);
        guess.or_else(|| self.keys.find_hashed(address.hash, name)).or_else(|| self.recall(name))
    }

    fn hand_over(&mut self, address: &Address, name: &[u8], item: &Item, mail: &mut [Mail]) {
        let index = address.correlation;
        let correlation = &self.correlations[index];
        let Some(values) = values_of(correlation, address.position, &item.id, &item.fields) else { return };
        let known = self.known(address, name);
        if self.failure.is_some() {
            return;
        }
        let correlation = &self.correlations[index];
        if known.is_none() && self.keys.len() >= self.limits.most_keys(self.shelf.is_some()) {
            self.refused.count(self.rules + index, Bound::Keys, 1);
            return;
        }
        let handle = known.unwrap_or_else(|| self.keys.add_empty(address.hash, name));
        let entry = entry(correlation, address.position, item, values);
        if mail[index].contains_key(&handle) || !self.keys.admit_quietly(handle, correlation, &entry) {
            mail[index].entry(handle).or_default().push(Change::Add(entry));
        } else if self.keys.wake(handle) == i64::MAX {
            self.reschedule(index, handle);
        }
    }

    fn withdraw(&mut self, address: &Address, name: &[u8], item: &Item, mail: &mut [Mail]) {
        if let Some(handle) = self.known(address, name) {
            let change = Change::Remove { time: item.time, id: item.id.clone(), position: address.position };
            mail[address.correlation].entry(handle).or_default().push(change);
        }
    }
}

fn entry(correlation: &Correlation, position: usize, item: &Item, values: Box<[u128]>) -> Entry {
    let placed = correlation.place.is_some() || correlation.referred;
    Entry {
        time: item.time,
        id: item.id.clone(),
        rules: 1 << position,
        values,
        whereabouts: item.whereabouts.clone().filter(|_| placed),
        explained: item.explained,
        ..Entry::default()
    }
}
