//! The Python class `Arrivals`.

use impetus_matcher::{Bounds, Found, Reader, Scalar};
use impetus_normalise::micros;
use pyo3::{
    prelude::*,
    pybacked::PyBackedBytes,
    types::{PyBool, PyBytes, PyDict, PyFloat, PyInt, PyList, PyString},
};

/// The fields that say what an event is, before those that are asked for.
const STAMP: usize = 0;
const ID: usize = 1;
const CREATED: usize = 2;
const PROVIDER: usize = 3;
const IDENTITY: [&str; 4] = ["@timestamp", "event.id", "event.created", "event.provider"];

/// Longest id that is taken without a second look, in bytes.
const MAX_ID: usize = 512;

/// Reads events as far as every one is asked, into arrivals.
#[pyclass(frozen, module = "correlator._engine")]
pub struct Arrivals {
    reader: Reader,
    names: Vec<Py<PyString>>,
    fields: Py<PyAny>,
    arrival: Py<PyAny>,
}

/// An event as it was read; with both its times where they are spelled as usual, and all else is.
struct Row {
    found: Vec<Found>,
    times: Option<(i64, i64)>,
}

#[pymethods]
impl Arrivals {
    #[new]
    fn new(
        py: Python<'_>,
        fields: Vec<String>,
        bounds: (usize, usize, usize),
        kind: Py<PyAny>,
        arrival: Py<PyAny>,
    ) -> Self {
        let (bytes, depth, values) = bounds;
        let asked = fields.iter().map(String::as_str).filter(|name| !IDENTITY.contains(name));
        let all: Vec<&str> = IDENTITY.into_iter().chain(asked).collect();
        let names = all.iter().map(|name| PyString::intern(py, name).unbind()).collect();
        Self { reader: Reader::new(all, Bounds { bytes, depth, values }), names, fields: kind, arrival }
    }

    fn read<'py>(
        &self,
        py: Python<'py>,
        lines: Vec<Bound<'py, PyBytes>>,
        source: &Bound<'py, PyString>,
    ) -> PyResult<Bound<'py, PyList>> {
        let bytes: Vec<PyBackedBytes> = lines.iter().cloned().map(PyBackedBytes::from).collect();
        let rows = py.detach(|| self.rows(&bytes));
        let mut provider = (String::new(), source.clone());
        let made: PyResult<Vec<_>> =
            rows.into_iter().zip(&lines).map(|(row, line)| self.make(py, row, line, source, &mut provider)).collect();
        PyList::new(py, made?)
    }
}

impl Arrivals {
    fn rows(&self, lines: &[PyBackedBytes]) -> Vec<Result<Row, String>> {
        let read = self.reader.read(lines.iter().map(|line| &**line));
        let rows = read.into_iter().zip(lines);
        rows.map(|(found, line)| found.map(|found| Row { times: times(&found, line), found })).collect()
    }

    /// The arrival of a row; its fields alone where it needs a second look; a text where it is no event.
    fn make<'py>(
        &self,
        py: Python<'py>,
        row: Result<Row, String>,
        line: &Bound<'py, PyBytes>,
        source: &Bound<'py, PyString>,
        provider: &mut (String, Bound<'py, PyString>),
    ) -> PyResult<Bound<'py, PyAny>> {
        let Row { found, times } = match row {
            Ok(row) => row,
            Err(reason) => return Ok(PyString::new(py, &reason).into_any()),
        };
        let named = text(&found, PROVIDER).unwrap_or_default();
        if times.is_some() && provider.0 != named {
            let name = if named.is_empty() { source.clone() } else { PyString::new(py, named) };
            *provider = (named.to_owned(), name);
        }
        let event = self.fields.bind(py).call0()?;
        self.fill(py, found, event.cast::<PyDict>()?)?;
        let Some((time, created)) = times else { return Ok(event) };
        let id = event.get_item(self.names[ID].bind(py))?;
        self.arrival.bind(py).call1((line, event, id, &provider.1, time, created))
    }

    fn fill<'py>(&self, py: Python<'py>, found: Vec<Found>, event: &Bound<'py, PyDict>) -> PyResult<()> {
        for Found { field, mut values } in found {
            let value = match values.len() {
                1 => scalar(py, values.remove(0)),
                _ => PyList::new(py, values.into_iter().map(|value| scalar(py, value)))?.into_any(),
            };
            event.set_item(self.names[field].bind(py), value)?;
        }
        Ok(())
    }
}

/// Event time and arrival (µs) of an event in which nothing that identifies it is unusual.
fn times(found: &[Found], line: &[u8]) -> Option<(i64, i64)> {
    let has = |field| found.iter().any(|one| one.field == field);
    let (stamp, id) = (text(found, STAMP)?, text(found, ID)?);
    if id.is_empty() || id.len() > MAX_ID || memchr::memchr2(b'\n', b'\r', line).is_some() {
        return None;
    }
    if has(PROVIDER) && text(found, PROVIDER).is_none() {
        return None;
    }
    let time = micros(stamp.as_bytes())?;
    let created = match text(found, CREATED) {
        Some(created) => micros(created.as_bytes())?,
        None if has(CREATED) => return None,
        None => time,
    };
    Some((time, created))
}

/// The one text of a field.
fn text(found: &[Found], field: usize) -> Option<&str> {
    let one = found.iter().find(|one| one.field == field)?;
    match one.values.as_slice() {
        [Scalar::Text(text)] => Some(text),
        _ => None,
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
