//! The `place` relation of an earlier item to the newest.

use std::collections::HashSet;

use crate::city::City;
use crate::geometry::{Comparison, distance, speed};
use crate::item::{Certainty, Whereabouts};

/// How the zones of two items must relate.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum ZoneRelation {
    Same,
    Adjacent,
    /// The zones at or below the named one.
    Within(HashSet<String>),
}

/// A compiled `place`: every relation given must hold.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Place {
    pub distance: Option<Comparison>,
    pub speed: Option<Comparison>,
    pub zone: Option<ZoneRelation>,
    pub certain_only: bool,
}

impl Place {
    /// How certainly two items stand in the relation; `None` if they do not, or if only certainty counts and is missing.
    pub fn relates(&self, city: &City, a: (i64, &Whereabouts), b: (i64, &Whereabouts)) -> Option<Certainty> {
        if !self.zones_relate(city, a.1, b.1) {
            return None;
        }
        let certainty = self.spots_relate(a, b)?;
        (certainty == Certainty::Certain || !self.certain_only).then_some(certainty)
    }

    fn spots_relate(&self, a: (i64, &Whereabouts), b: (i64, &Whereabouts)) -> Option<Certainty> {
        if self.distance.is_none() && self.speed.is_none() {
            return Some(Certainty::Certain);
        }
        let apart = distance(a.1.spot?, b.1.spot?);
        let near = self.distance.as_ref().map_or(Some(Certainty::Certain), |c| c.over(apart))?;
        let pace = speed(apart, a.0.abs_diff(b.0));
        let fast = self.speed.as_ref().map_or(Some(Certainty::Certain), |c| c.over(pace))?;
        Some(near.min(fast))
    }

    fn zones_relate(&self, city: &City, a: &Whereabouts, b: &Whereabouts) -> bool {
        let Some(relation) = &self.zone else { return true };
        let (Some(a), Some(b)) = (a.zone.as_deref(), b.zone.as_deref()) else { return false };
        match relation {
            ZoneRelation::Same => a == b,
            ZoneRelation::Adjacent => city.adjacent(a, b),
            ZoneRelation::Within(zones) => zones.contains(a) && zones.contains(b),
        }
    }
}
