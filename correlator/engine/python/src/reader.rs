//! The Python class `Reader`.

use impetus_matcher::{Reader as Fields, Texts};
use pyo3::{
    prelude::*,
    pybacked::PyBackedBytes,
    types::{PyList, PyString, PyTuple},
};

/// Reads named fields out of events.
#[pyclass(frozen, module = "correlator._engine")]
pub struct Reader(Fields);

#[pymethods]
impl Reader {
    #[new]
    #[pyo3(signature = (fields, max_bytes, max_depth))]
    fn new(fields: Vec<String>, max_bytes: usize, max_depth: usize) -> Self {
        Self(Fields::new(fields.iter().map(String::as_str), max_bytes, max_depth))
    }

    fn read<'py>(&self, py: Python<'py>, lines: Vec<PyBackedBytes>) -> PyResult<Bound<'py, PyList>> {
        let found = py.detach(|| self.0.read(lines.iter().map(|line| &**line)));
        let rows: PyResult<Vec<Bound<'py, PyAny>>> = found.into_iter().map(|line| row(py, line)).collect();
        PyList::new(py, rows?)
    }
}

fn row<'py>(py: Python<'py>, line: Result<Vec<Texts>, String>) -> PyResult<Bound<'py, PyAny>> {
    match line {
        Err(reason) => Ok(PyString::new(py, &reason).into_any()),
        Ok(fields) => {
            let values: PyResult<Vec<Bound<'py, PyAny>>> = fields.into_iter().map(|texts| value(py, texts)).collect();
            Ok(PyTuple::new(py, values?)?.into_any())
        }
    }
}

fn value<'py>(py: Python<'py>, texts: Texts) -> PyResult<Bound<'py, PyAny>> {
    match texts {
        Texts::Absent => Ok(py.None().into_bound(py)),
        Texts::One(text) => Ok(PyString::new(py, &text).into_any()),
        Texts::Many(all) => Ok(PyTuple::new(py, all)?.into_any()),
    }
}
