//! The Python class `WindowsNormaliser`.

use std::{
    ops::Range,
    sync::{Mutex, PoisonError},
};

use impetus_normalise::{Arrival, Windows};
use pyo3::{exceptions::PyValueError, prelude::*, pybacked::PyBackedBytes, types::PyBytes};

/// Bytes of a buffer that is kept.
const KEEP: usize = 16 << 20;

/// Finishes flat Windows records.
#[pyclass(frozen, module = "correlator._engine")]
pub struct WindowsNormaliser {
    windows: Windows,
    /// Buffers of earlier batches, for their memory.
    idle: Mutex<Vec<Vec<u8>>>,
}

#[pymethods]
impl WindowsNormaliser {
    #[new]
    fn new(tables: PyBackedBytes) -> PyResult<Self> {
        let windows = Windows::new(&tables).map_err(PyValueError::new_err)?;
        Ok(Self { windows, idle: Mutex::default() })
    }

    fn __call__<'py>(
        &self,
        py: Python<'py>,
        records: Vec<PyBackedBytes>,
        identities: Vec<PyBackedBytes>,
        provider: &str,
        created: Option<&str>,
    ) -> Vec<Option<Bound<'py, PyBytes>>> {
        let (mut buffer, spans) = py.detach(|| {
            let mut buffer = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
            let pairs = records.iter().zip(&identities);
            let spans: Vec<_> = pairs
                .map(|(record, identity)| self.finish(record, Arrival { provider, identity, created }, &mut buffer))
                .collect();
            (buffer, spans)
        });
        let lines = spans.into_iter().map(|span| span.map(|span| PyBytes::new(py, &buffer[span]))).collect();
        buffer.clear();
        buffer.shrink_to(KEEP);
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(buffer);
        lines
    }
}

impl WindowsNormaliser {
    /// Append the event of a record; where it stands.
    fn finish(&self, record: &[u8], arrival: Arrival<'_>, buffer: &mut Vec<u8>) -> Option<Range<usize>> {
        let start = buffer.len();
        self.windows.finish(record, arrival, buffer)?;
        Some(start..buffer.len())
    }
}
