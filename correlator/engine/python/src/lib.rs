//! The Python module `correlator._engine`: a thin layer over the pure crates.

mod arrivals;
mod brief;
mod matcher;
mod normalise;
mod relation;
mod windows;

#[pyo3::pymodule]
mod _engine {
    #[pymodule_export]
    use super::arrivals::Arrivals;
    #[pymodule_export]
    use super::matcher::{Matcher, Scan};
    #[pymodule_export]
    use super::normalise::WindowsNormaliser;
    #[pymodule_export]
    use super::relation::{Relation, Relations};
    #[pymodule_export]
    use super::windows::{Doubt, Firing, Item, Windows, alert_id};
}
