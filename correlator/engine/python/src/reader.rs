//! The Python class `Reader`.

use impetus_matcher::{Bounds, Found, Reader as Fields, Scalar};
use pyo3::{
    prelude::*,
    pybacked::PyBackedBytes,
    types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyString},
};

/// Reads named fields out of events.
#[pyclass(frozen, module = "correlator._engine")]
pub struct Reader {
    fields: Fields,
    names: Vec<Py<PyString>>,
}

#[pymethods]
impl Reader {
    #[new]
    fn new(py: Python<'_>, fields: Vec<String>, max_bytes: usize, max_depth: usize, max_values: usize) -> Self {
        let bounds = Bounds { bytes: max_bytes, depth: max_depth, values: max_values };
        let names = fields.iter().map(|name| PyString::intern(py, name).unbind()).collect();
        Self { fields: Fields::new(fields.iter().map(String::as_str), bounds), names }
    }

    fn read<'py>(&self, py: Python<'py>, lines: Vec<PyBackedBytes>) -> PyResult<Bound<'py, PyList>> {
        let found = py.detach(|| self.fields.read(lines.iter().map(|line| &**line)));
        let rows: PyResult<Vec<Bound<'py, PyAny>>> = found.into_iter().map(|line| self.row(py, line)).collect();
        PyList::new(py, rows?)
    }
}

impl Reader {
    fn row<'py>(&self, py: Python<'py>, line: Result<Vec<Found>, String>) -> PyResult<Bound<'py, PyAny>> {
        let found = match line {
            Ok(found) => found,
            Err(reason) => return Ok(PyString::new(py, &reason).into_any()),
        };
        let event = PyDict::new(py);
        for Found { field, mut values } in found {
            let value = match values.len() {
                1 => scalar(py, values.remove(0)),
                _ => PyList::new(py, values.into_iter().map(|value| scalar(py, value)))?.into_any(),
            };
            event.set_item(self.names[field].bind(py), value)?;
        }
        Ok(event.into_any())
    }
}

fn scalar(py: Python<'_>, value: Scalar) -> Bound<'_, PyAny> {
    match value {
        Scalar::Bool(value) => PyBool::new(py, value).to_owned().into_any(),
        Scalar::Integer(value) => PyInt::new(py, value).into_any(),
        Scalar::Float(value) => PyFloat::new(py, value).into_any(),
        Scalar::Text(text) => PyString::new(py, &text).into_any(),
    }
}
