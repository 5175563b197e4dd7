//! A place relation taken apart, for explanations: each part of it with what it came to.

use crate::city::City;
use crate::compile::compile;
use crate::form::Form;
use crate::geometry::{Comparison, Interval, distance, speed};
use crate::item::{Certainty, Item, Whereabouts};
use crate::place::Place;
use crate::refusal::Refusal;

/// The place relations of all correlations of a form.
#[derive(Debug)]
pub struct Relations {
    rules: usize,
    places: Vec<Option<Place>>,
    city: City,
}

/// What one comparison of a relation came to: the least and the greatest value it may have, and how far it holds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Part {
    /// Both ends of what may be measured; `None` where one of the two has no location.
    pub range: Option<(f64, f64)>,
    /// How far it holds; `None` if not at all.
    pub holds: Option<Certainty>,
}

/// How two items stand to each other.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Relation {
    /// What the windows go by: whether they stand in the relation, and how certainly.
    pub stands: Option<Certainty>,
    /// Whether the zones relate; `None` where the correlation does not ask.
    pub zone: Option<bool>,
    /// Metres; `None` where the correlation does not ask.
    pub distance: Option<Part>,
    /// Kilometres per hour; `None` where the correlation does not ask.
    pub speed: Option<Part>,
    /// The metres between them whether asked for or not, if both have a location.
    pub metres: Option<(f64, f64)>,
}

impl Relations {
    /// Compiles the correlations of a form (JSON) against a city (JSON), or says all that is refused.
    pub fn new(form: &[u8], city: &[u8]) -> Result<Self, Vec<Refusal>> {
        let form = Form::read(form).map_err(|r| vec![r])?;
        let city = City::read(city).map_err(|r| vec![r])?;
        let compiled = compile(&form, &city)?;
        let places = compiled.correlations.into_iter().map(|correlation| correlation.place).collect();
        Ok(Self { rules: compiled.rules, places, city })
    }

    /// How an item stands to the newest of a window of the correlation with this index in the form. `None` if there is
    /// no such correlation.
    pub fn relate(&self, correlation: usize, newest: &Item, other: &Item) -> Option<Relation> {
        let place = self.places.get(correlation.checked_sub(self.rules)?)?;
        let nowhere = Whereabouts::default();
        let here = (newest.time, newest.whereabouts.as_deref().unwrap_or(&nowhere));
        let there = (other.time, other.whereabouts.as_deref().unwrap_or(&nowhere));
        let apart = here.1.spot.zip(there.1.spot).map(|(a, b)| distance(a, b));
        let metres = apart.map(ends);
        let Some(place) = place else {
            let stands = Some(Certainty::Certain);
            return Some(Relation { stands, zone: None, distance: None, speed: None, metres });
        };
        let pace = apart.map(|apart| speed(apart, newest.time.abs_diff(other.time)));
        Some(Relation {
            stands: place.relates(&self.city, here, there),
            zone: place.zone.as_ref().map(|_| place.zones_relate(&self.city, here.1, there.1)),
            distance: place.distance.as_ref().map(|comparison| part(comparison, apart)),
            speed: place.speed.as_ref().map(|comparison| part(comparison, pace)),
            metres,
        })
    }
}

fn part(comparison: &Comparison, interval: Option<Interval>) -> Part {
    Part { range: interval.map(ends), holds: interval.and_then(|interval| comparison.over(interval)) }
}

fn ends(interval: Interval) -> (f64, f64) {
    (interval.low, interval.high)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::item::Spot;

    #[test]
    fn each_part_says_what_it_came_to_and_the_whole_what_the_windows_go_by() {
        let form = br#"{"version": 1, "rules": [{"id": "r"}], "correlations": [{"id": "c", "type": "event_count",
            "rules": [0], "timespan": 1, "condition": {"cmp": [["gte", 2]]},
            "place": {"distance": [["lte", 200]], "speed": [["gt", 900]], "zone": {"kind": "same"}}}]}"#;
        let relations = Relations::new(form, b"").unwrap();
        let at = |metres: f64, zone: &str, time: i64| {
            let spot = Spot::new(Some(59.0 + metres / 111_195.08), Some(10.0), Some(30.0));
            Item::new(0, "e", time).with_place(Some(zone), spot)
        };
        let relation = relations.relate(1, &at(0.0, "Z1", 3_600_000_000), &at(190.0, "Z1", 0)).unwrap();
        assert_eq!((relation.stands, relation.zone), (None, Some(true)));
        assert_eq!(relation.distance.unwrap().holds, Some(Certainty::Possible));
        assert_eq!(relation.speed.unwrap().holds, None);
        let (low, high) = relation.metres.unwrap();
        assert!((low - 130.0).abs() < 0.1 && (high - 250.0).abs() < 0.1);
        assert!(relations.relate(2, &at(0.0, "Z1", 0), &at(0.0, "Z1", 0)).is_none());
    }
}
