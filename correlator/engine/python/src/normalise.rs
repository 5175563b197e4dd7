//! The Python class `WindowsNormaliser`.

use impetus_normalise::{Arrival, Windows};
use pyo3::{exceptions::PyValueError, prelude::*, pybacked::PyBackedBytes, types::PyBytes};

/// Finishes flat Windows records.
#[pyclass(frozen, module = "correlator._engine")]
pub struct WindowsNormaliser(Windows);

#[pymethods]
impl WindowsNormaliser {
    #[new]
    fn new(tables: PyBackedBytes) -> PyResult<Self> {
        Windows::new(&tables).map(Self).map_err(PyValueError::new_err)
    }

    fn __call__<'py>(
        &self,
        py: Python<'py>,
        records: Vec<PyBackedBytes>,
        identities: Vec<PyBackedBytes>,
        provider: &str,
        created: Option<&str>,
    ) -> Vec<Option<Bound<'py, PyBytes>>> {
        let lines: Vec<Option<Vec<u8>>> = py.detach(|| {
            let pairs = records.iter().zip(&identities);
            pairs.map(|(record, identity)| self.0.finish(record, Arrival { provider, identity, created })).collect()
        });
        lines.into_iter().map(|line| line.map(|line| PyBytes::new(py, &line))).collect()
    }
}
