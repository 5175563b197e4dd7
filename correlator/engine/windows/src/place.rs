//! The `place` relation of an earlier item to the newest.

use std::collections::HashSet;

use crate::city::City;
use crate::geometry::{Comparison, Interval, beyond, distance, speed};
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
        let (here, there) = (a.1.spot?, b.1.spot?);
        if self.distance.as_ref().and_then(Comparison::most).is_some_and(|most| beyond(here, there, most)) {
            return None;
        }
        let (apart, time) = (distance(here, there), a.0.abs_diff(b.0));
        let near = self.distance.as_ref().map_or(Some(Certainty::Certain), |c| c.over(apart))?;
        let fast = self.speed.as_ref().map_or(Some(Certainty::Certain), |c| c.over(speed(apart, time)))?;
        self.meet_together(apart, time).then_some(near.min(fast))
    }

    /// Whether distance and speed hold for one and the same pair of points, not each for one of its own.
    fn meet_together(&self, apart: Interval, time: u64) -> bool {
        match (&self.distance, &self.speed) {
            (Some(near), Some(fast)) if time > 0 => near.and(&fast.as_distance(time)).over(apart).is_some(),
            _ => true,
        }
    }

    pub fn zones_relate(&self, city: &City, a: &Whereabouts, b: &Whereabouts) -> bool {
        let Some(relation) = &self.zone else { return true };
        let (Some(a), Some(b)) = (a.zone.as_deref(), b.zone.as_deref()) else { return false };
        match relation {
            ZoneRelation::Same => a == b,
            ZoneRelation::Adjacent => city.adjacent(a, b),
            ZoneRelation::Within(zones) => zones.contains(a) && zones.contains(b),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::Operator;
    use crate::item::Spot;

    #[test]
    fn distance_and_speed_hold_for_one_shared_pair_of_points() {
        let at = |latitude: f64| Whereabouts { zone: None, spot: Spot::new(Some(latitude), Some(10.0), Some(100.0)) };
        // 1,000 m apart give or take 200, in a minute: 48 to 72 km/h. Under 900 m it is no faster than 54.
        let (a, b) = (at(59.0), at(59.0 + 1000.0 / 111_195.08));
        let place = |fast: f64| Place {
            distance: Some(Comparison(vec![(Operator::Lte, 900.0)])),
            speed: Some(Comparison(vec![(Operator::Gte, fast)])),
            ..Place::default()
        };
        let relates = |fast: f64| place(fast).relates(&City::default(), (60_000_000, &b), (0, &a));
        assert_eq!(relates(50.0), Some(Certainty::Possible));
        assert_eq!(relates(60.0), None);
    }
}
