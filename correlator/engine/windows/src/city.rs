//! The zones of the city model, as far as place relations need them.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use serde::Deserialize;

use crate::refusal::Refusal;

#[derive(Debug, Default, Deserialize)]
struct ZoneForm {
    #[serde(default)]
    within: Option<String>,
    #[serde(default)]
    adjacent: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
struct CityForm {
    #[serde(default)]
    zones: BTreeMap<String, ZoneForm>,
}

/// The zone tree and the neighbours of each zone.
#[derive(Debug, Default)]
pub(crate) struct City {
    parents: BTreeMap<String, String>,
    neighbours: HashMap<String, HashSet<String>>,
}

impl City {
    /// Reads the JSON form; empty input is a city without zones.
    pub fn read(json: &[u8]) -> Result<Self, Refusal> {
        if json.iter().all(u8::is_ascii_whitespace) {
            return Ok(Self::default());
        }
        let form: CityForm =
            serde_json::from_slice(json).map_err(|e| Refusal::new("", "city", format!("not a city: {e}")))?;
        let mut city = Self::default();
        for (name, zone) in form.zones {
            for other in zone.adjacent {
                city.neighbours.entry(other.clone()).or_default().insert(name.clone());
                city.neighbours.entry(name.clone()).or_default().insert(other);
            }
            if let Some(parent) = zone.within {
                city.parents.insert(name, parent);
            }
        }
        Ok(city)
    }

    /// All of it as text, the same for the same city.
    pub fn describe(&self) -> String {
        let neighbours: BTreeMap<&String, BTreeSet<&String>> =
            self.neighbours.iter().map(|(zone, others)| (zone, others.iter().collect())).collect();
        format!("{:?} {neighbours:?}", self.parents)
    }

    /// Whether two zones are equal or neighbours; being adjacent is mutual even if the model says it once.
    pub fn adjacent(&self, a: &str, b: &str) -> bool {
        a == b || self.neighbours.get(a).is_some_and(|n| n.contains(b))
    }

    /// The zones at or below a zone.
    pub fn below(&self, top: &str) -> HashSet<String> {
        let inside = |zone: &str| self.ancestors(zone).any(|z| z == top);
        let mut zones: HashSet<String> = self.parents.keys().filter(|z| inside(z)).cloned().collect();
        zones.insert(top.to_owned());
        zones
    }

    /// A zone and what it lies in, outwards; a cycle in a damaged model ends after as many steps as there are zones.
    fn ancestors<'a>(&'a self, zone: &'a str) -> impl Iterator<Item = &'a str> {
        std::iter::successors(Some(zone), |z| self.parents.get(*z).map(String::as_str)).take(self.parents.len() + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn below_follows_the_tree_and_survives_a_cycle() {
        let city = City::read(
            br#"{"zones": {"Z4": {"within": "centre", "adjacent": ["Z3"]}, "centre": {"within": "oslo"}, "Z9": {},
                "a": {"within": "b"}, "b": {"within": "a"}}}"#,
        )
        .unwrap();
        assert!(city.below("oslo").contains("Z4") && city.below("oslo").contains("oslo"));
        assert!(!city.below("oslo").contains("Z9"));
        assert!(city.below("a").contains("b"));
        assert!(city.adjacent("Z3", "Z4") && city.adjacent("Z4", "Z3") && !city.adjacent("Z3", "Z9"));
    }
}
