//! Distances between uncertain locations, and comparisons over the interval of what they may be.

use crate::item::{Certainty, Spot};

/// Metres, of the mean sphere.
pub(crate) const EARTH_RADIUS: f64 = 6_371_008.8;
const MICROSECONDS_PER_HOUR: f64 = 3.6e9;

/// The values that a measure may have: both ends included, the upper one possibly infinite.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Interval {
    pub low: f64,
    pub high: f64,
}

/// The great-circle distance of two points, in metres (haversine on the mean sphere).
pub(crate) fn great_circle(a: Spot, b: Spot) -> f64 {
    let (lat_a, lat_b) = (a.latitude.to_radians(), b.latitude.to_radians());
    let half_lat = ((lat_b - lat_a) / 2.0).sin();
    let half_lon = ((b.longitude - a.longitude).to_radians() / 2.0).sin();
    let h = half_lat * half_lat + lat_a.cos() * lat_b.cos() * half_lon * half_lon;
    2.0 * EARTH_RADIUS * h.clamp(0.0, 1.0).sqrt().asin()
}

/// The distances that two points within the radii may have, in metres.
pub(crate) fn distance(a: Spot, b: Spot) -> Interval {
    let (centre, radii) = (great_circle(a, b), a.radius + b.radius);
    Interval { low: (centre - radii).max(0.0), high: centre + radii }
}

/// The speeds that cover the distance in the time (µs), in km/h. No time and some distance is infinitely fast.
pub(crate) fn speed(distance: Interval, microseconds: u64) -> Interval {
    let hours = microseconds as f64 / MICROSECONDS_PER_HOUR;
    let over = |metres: f64| if metres == 0.0 { 0.0 } else { metres / 1000.0 / hours };
    Interval { low: over(distance.low), high: over(distance.high) }
}

/// Whether two locations are surely farther apart than a distance by their latitudes alone: cheap, and never wrong.
pub(crate) fn beyond(a: Spot, b: Spot, metres: f64) -> bool {
    let apart = (a.latitude - b.latitude).abs().to_radians() * EARTH_RADIUS;
    // Less than the distance by more than what rounding can make of it.
    apart * (1.0 - 1e-6) - 0.01 - a.radius - b.radius > metres
}

/// A comparison operator of a Sigma condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operator {
    Lt,
    Lte,
    Gt,
    Gte,
    Eq,
    Neq,
}

impl Operator {
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "lt" => Self::Lt,
            "lte" => Self::Lte,
            "gt" => Self::Gt,
            "gte" => Self::Gte,
            "eq" => Self::Eq,
            "neq" => Self::Neq,
            _ => return None,
        })
    }

    pub fn holds(self, left: f64, right: f64) -> bool {
        match self {
            Self::Lt => left < right,
            Self::Lte => left <= right,
            Self::Gt => left > right,
            Self::Gte => left >= right,
            Self::Eq => left == right,
            Self::Neq => left != right,
        }
    }
}

/// Operators with their values, all of which must hold.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Comparison(pub Vec<(Operator, f64)>);

impl Comparison {
    pub fn holds(&self, value: f64) -> bool {
        self.0.iter().all(|(operator, limit)| operator.holds(value, *limit))
    }

    /// The greatest value that it may hold for, if there is one.
    pub fn most(&self) -> Option<f64> {
        let upper = |operator: &Operator| matches!(operator, Operator::Lt | Operator::Lte | Operator::Eq);
        self.0.iter().filter(|(operator, _)| upper(operator)).map(|(_, limit)| *limit).reduce(f64::min)
    }

    /// Both comparisons as one.
    pub fn and(&self, other: &Self) -> Self {
        Self(self.0.iter().chain(&other.0).copied().collect())
    }

    /// A comparison of speeds (km/h) as one of the distances (m) covered in a time (µs).
    pub fn as_distance(&self, microseconds: u64) -> Self {
        let hours = microseconds as f64 / MICROSECONDS_PER_HOUR;
        Self(self.0.iter().map(|(operator, limit)| (*operator, limit * hours * 1000.0)).collect())
    }

    /// How far the comparison holds for the values of an interval; `None` if for no value.
    pub fn over(&self, interval: Interval) -> Option<Certainty> {
        if self.0.iter().all(|&(operator, limit)| always(operator, limit, interval)) {
            Some(Certainty::Certain)
        } else {
            self.sometimes(interval).then_some(Certainty::Possible)
        }
    }

    /// Whether one value of the interval meets all operators: narrows the interval, then looks whether anything is left.
    fn sometimes(&self, interval: Interval) -> bool {
        let Interval { mut low, mut high } = interval;
        let (mut low_open, mut high_open) = (false, false);
        for &(operator, limit) in &self.0 {
            if matches!(operator, Operator::Gt | Operator::Gte | Operator::Eq) && limit >= low {
                low_open = operator == Operator::Gt || (low_open && limit == low);
                low = limit;
            }
            if matches!(operator, Operator::Lt | Operator::Lte | Operator::Eq) && limit <= high {
                high_open = operator == Operator::Lt || (high_open && limit == high);
                high = limit;
            }
        }
        match low.partial_cmp(&high) {
            Some(std::cmp::Ordering::Less) => true,
            Some(std::cmp::Ordering::Equal) => !low_open && !high_open && self.holds(low),
            _ => false,
        }
    }
}

fn always(operator: Operator, limit: f64, Interval { low, high }: Interval) -> bool {
    match operator {
        Operator::Lt => high < limit,
        Operator::Lte => high <= limit,
        Operator::Gt => low > limit,
        Operator::Gte => low >= limit,
        Operator::Eq => low == limit && high == limit,
        Operator::Neq => high < limit || low > limit,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spot(latitude: f64, longitude: f64, radius: f64) -> Spot {
        Spot { latitude, longitude, radius }
    }

    fn comparison(pairs: &[(&str, f64)]) -> Comparison {
        Comparison(pairs.iter().map(|(op, v)| (Operator::named(op).unwrap(), *v)).collect())
    }

    #[test]
    fn a_degree_of_latitude_is_111_kilometres() {
        let metres = great_circle(spot(59.0, 10.0, 0.0), spot(60.0, 10.0, 0.0));
        assert!((metres - 111_195.08).abs() < 0.1, "{metres}");
    }

    #[test]
    fn radii_make_a_distance_certain_possible_or_neither() {
        let near = distance(spot(59.9151, 10.7354, 40.0), spot(59.9160, 10.7354, 50.0));
        assert_eq!(comparison(&[("lte", 200.0)]).over(near), Some(Certainty::Certain));
        assert_eq!(comparison(&[("lte", 100.0)]).over(near), Some(Certainty::Possible));
        assert_eq!(comparison(&[("lte", 5.0)]).over(near), None);
    }

    #[test]
    fn operators_of_one_relation_must_hold_for_one_and_the_same_value() {
        let interval = Interval { low: 10.0, high: 20.0 };
        assert_eq!(comparison(&[("gt", 12.0), ("lt", 12.0)]).over(interval), None);
        assert_eq!(comparison(&[("gte", 12.0), ("lte", 12.0)]).over(interval), Some(Certainty::Possible));
        assert_eq!(comparison(&[("gte", 12.0), ("lte", 12.0), ("neq", 12.0)]).over(interval), None);
        assert_eq!(comparison(&[("eq", 12.0), ("lt", 12.0)]).over(interval), None);
        assert_eq!(comparison(&[("gt", 20.0)]).over(interval), None);
        assert_eq!(comparison(&[("lt", 10.0)]).over(interval), None);
        assert_eq!(comparison(&[("eq", 25.0)]).over(interval), None);
    }

    #[test]
    fn no_time_between_unequal_places_is_infinitely_fast() {
        let apart = Interval { low: 5.0, high: 5.0 };
        assert_eq!(speed(apart, 0).low, f64::INFINITY);
        assert_eq!(speed(Interval { low: 0.0, high: 0.0 }, 0).high, 0.0);
        assert_eq!(speed(Interval { low: 1000.0, high: 1000.0 }, 3_600_000_000).low, 1.0);
        assert_eq!(comparison(&[("gt", 900.0)]).over(speed(apart, 0)), Some(Certainty::Certain));
    }
}
