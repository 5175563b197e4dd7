//! The Python classes `Relations` and `Relation`.

use impetus_windows as engine;
use pyo3::{exceptions::PyValueError, prelude::*, pybacked::PyBackedBytes};

use crate::windows::Item;

type Range = Option<(f64, f64)>;

/// The place relations of the correlations of a form.
#[pyclass(frozen, module = "correlator._engine")]
pub struct Relations(engine::Relations);

#[pymethods]
impl Relations {
    #[new]
    fn new(form: PyBackedBytes, city: PyBackedBytes) -> PyResult<Self> {
        let relations = engine::Relations::new(&form, &city);
        relations.map(Self).map_err(|refusals| PyValueError::new_err(engine::refusals_json(&refusals)))
    }

    fn relate(&self, correlation: usize, newest: &Item, other: &Item) -> Option<Relation> {
        self.0.relate(correlation, &newest.0, &other.0).map(Relation)
    }
}

/// How two items stand to each other.
#[pyclass(frozen, module = "correlator._engine")]
pub struct Relation(engine::Relation);

#[pymethods]
impl Relation {
    #[getter]
    fn stands(&self) -> Option<&'static str> {
        self.0.stands.map(engine::Certainty::name)
    }

    #[getter]
    fn zone(&self) -> Option<bool> {
        self.0.zone
    }

    #[getter]
    fn distance(&self) -> Option<(Range, Option<&'static str>)> {
        self.0.distance.map(named)
    }

    #[getter]
    fn speed(&self) -> Option<(Range, Option<&'static str>)> {
        self.0.speed.map(named)
    }

    #[getter]
    fn metres(&self) -> Range {
        self.0.metres
    }
}

fn named(part: engine::Part) -> (Range, Option<&'static str>) {
    (part.range, part.holds.map(engine::Certainty::name))
}
