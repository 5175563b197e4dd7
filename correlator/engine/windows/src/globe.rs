//! Grids over the globe: which cells the points within some distance of another lie in.
//!
//! Rows are stretches of latitude, each cut into columns about as wide as it is high. Uncertain locations lie in grids
//! of their own, the coarser the larger their radii, so that one of them does not make the cells of all others wide.

use std::ops::RangeInclusive;

use crate::geometry::EARTH_RADIUS;
use crate::item::Spot;

/// Relations over a greater distance are looked up in no grid.
pub(crate) const MOST_METRES: f64 = 200_000.0;

/// Radii on the coarsest level are no larger.
const MOST_RADIUS: f64 = 200_000.0;

/// Nearer to a pole than this, columns make no sense (in radians of latitude).
const POLAR: f64 = 1.55;

/// Radii of each level are up to twice as large as those of the one before.
pub(crate) type Level = u8;

/// The grid of a level for relations within a distance.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Grid {
    /// Locations in it are within so many metres of each other, and have at most such a radius.
    metres: f64,
    radius: f64,
    /// Degrees of latitude of a row.
    height: f64,
}

impl Grid {
    pub fn of(metres: f64, level: Level) -> Self {
        let least = metres.max(1.0);
        let radius = least / 4.0 * f64::from(1_u32 << level);
        Self { metres, radius, height: ((least + radius) / EARTH_RADIUS).to_degrees() }
    }

    /// The level that a location belongs to; `None` if it is too uncertain, or not on the globe.
    pub fn level_of(metres: f64, spot: Spot) -> Option<Level> {
        let on_globe = spot.latitude.abs() <= 90.0 && spot.longitude.abs() <= 180.0;
        let sound = on_globe && (0.0..=MOST_RADIUS).contains(&spot.radius);
        (0..24).find(|level| sound && spot.radius <= Self::of(metres, *level).radius)
    }

    /// The row and the column of a location.
    pub fn cell(self, spot: Spot) -> (i32, i32) {
        let row = self.row(spot.latitude);
        (row, self.column(row, spot.longitude))
    }

    fn row(self, latitude: f64) -> i32 {
        (latitude / self.height).floor() as i32
    }

    fn column(self, row: i32, longitude: f64) -> i32 {
        let middle = (f64::from(row) + 0.5) * self.height;
        let columns = (360.0 * middle.to_radians().cos() / self.height).floor().max(1.0);
        ((longitude + 180.0) / 360.0 * columns).floor().clamp(0.0, columns - 1.0) as i32
    }

    /// Rows with columns that hold every location of this grid near enough to a spot; `None` if these are more than
    /// `most` cells, or may lie around a pole.
    pub fn around(self, spot: Spot, most: usize) -> Option<Vec<(i32, RangeInclusive<i32>)>> {
        // More by what rounding can make of it.
        let angle = ((self.metres + spot.radius + self.radius) * (1.0 + 1e-6) + 0.01) / EARTH_RADIUS;
        let latitude = spot.latitude.to_radians();
        if latitude.abs() + angle > POLAR {
            return None;
        }
        let aside = ((angle.sin() / latitude.cos()).min(1.0).asin() * (1.0 + 1e-6)).to_degrees() + 1e-9;
        let (south, north) = (spot.latitude - angle.to_degrees(), spot.latitude + angle.to_degrees());
        let (mut stretches, mut cells) = (Vec::new(), 0);
        for row in self.row(south)..=self.row(north) {
            for (west, east) in stretches_of(spot.longitude - aside, spot.longitude + aside) {
                let columns = self.column(row, west)..=self.column(row, east);
                cells += 1 + columns.end().abs_diff(*columns.start()) as usize;
                stretches.push((row, columns));
            }
            if cells > most {
                return None;
            }
        }
        Some(stretches)
    }
}

/// A stretch of longitudes, cut where it crosses the antimeridian.
fn stretches_of(west: f64, east: f64) -> impl Iterator<Item = (f64, f64)> {
    let (first, second) = match (west < -180.0, east > 180.0) {
        (false, false) => ((west, east), None),
        (true, _) => ((-180.0, east), Some((west + 360.0, 180.0))),
        (false, true) => ((west, 180.0), Some((-180.0, east - 360.0))),
    };
    std::iter::once(first).chain(second)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::geometry::great_circle;

    fn found(grid: Grid, centre: Spot, other: Spot) -> bool {
        let cell = grid.cell(other);
        let around = grid.around(centre, usize::MAX);
        around.is_none_or(|rows| rows.iter().any(|(row, columns)| *row == cell.0 && columns.contains(&cell.1)))
    }

    prop_compose! {
        /// Two points of which the other lies in some direction, mostly about as far away as relations reach.
        fn points()(
            latitude in prop_oneof![-90.0..=90.0, Just(0.0), Just(88.7), Just(-90.0)],
            longitude in prop_oneof![-180.0..=180.0, Just(180.0), Just(-180.0), 179.9..180.0],
            metres in prop_oneof![Just(0.0), 1.0..300.0, 300.0..MOST_METRES], far in 0.0..1.3_f64,
            bearing in 0.0..std::f64::consts::TAU, radii in (prop_oneof![Just(0.0), 0.0..1e5], prop_oneof![Just(0.0), 0.0..1e5]),
        ) -> (f64, Spot, Spot) {
            let here = Spot { latitude, longitude, radius: radii.0 };
            let angle = far * (metres + radii.0 + radii.1) / EARTH_RADIUS;
            let (lat, lon) = (latitude.to_radians(), longitude.to_radians());
            let north = (lat.sin() * angle.cos() + lat.cos() * angle.sin() * bearing.cos()).clamp(-1.0, 1.0).asin();
            let east = lon + (bearing.sin() * angle.sin() * lat.cos()).atan2(angle.cos() - lat.sin() * north.sin());
            let east = (east.to_degrees() + 540.0).rem_euclid(360.0) - 180.0;
            (metres, here, Spot { latitude: north.to_degrees(), longitude: east, radius: radii.1 })
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 5_000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn whatever_is_near_is_found((metres, here, there) in points()) {
            let near = great_circle(here, there) <= metres + here.radius + there.radius;
            let level = Grid::level_of(metres, there);
            prop_assert!(!near || level.is_none_or(|level| found(Grid::of(metres, level), here, there)));
        }
    }

    #[test]
    fn few_cells_are_looked_at_and_what_is_far_is_not_found() {
        let at = |latitude, longitude| Spot { latitude, longitude, radius: 0.0 };
        let grid = Grid::of(200.0, 0);
        let rows = grid.around(at(59.9, 180.0), usize::MAX).unwrap();
        assert!(rows.iter().map(|(_, columns)| columns.clone().count()).sum::<usize>() <= 16);
        assert!(found(grid, at(59.9, 180.0), at(59.9, -179.9999)) && !found(grid, at(59.9, 180.0), at(59.9, -179.9)));
        assert_eq!(Grid::level_of(200.0, at(f64::NAN, 0.0)), None);
    }
}
