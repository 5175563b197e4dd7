//! The Python class `Arrivals`.

use std::sync::{Mutex, PoisonError};

use impetus_matcher::{Bounds, Found, Reader, Scalar, Values};
use impetus_normalise::micros;
use pyo3::{
    prelude::*,
    pybacked::PyBackedBytes,
    types::{PyBool, PyBytes, PyDict, PyFloat, PyInt, PyList, PyString},
};

use crate::brief::{Briefing, Known};

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
    briefing: Option<Briefing>,
    /// Taken by who reads: to find keys may let others run.
    known: Mutex<Known>,
}

/// An event as it was read; with both its times where they are spelled as usual, and all else is.
struct Row<'a> {
    found: Vec<Found<'a>>,
    times: Option<(i64, i64)>,
    is_brief: bool,
}

/// Fields by which events are found, that say what they are, that are of interest later; and what finds keys.
type Brief = (Vec<String>, Vec<String>, Vec<String>, Py<PyAny>);

#[pymethods]
impl Arrivals {
    #[new]
    #[pyo3(signature = (fields, bounds, kind, arrival, brief=None))]
    fn new(
        py: Python<'_>,
        fields: Vec<String>,
        bounds: (usize, usize, usize),
        kind: Py<PyAny>,
        arrival: Py<PyAny>,
        brief: Option<Brief>,
    ) -> Self {
        let (bytes, depth, values) = bounds;
        let asked = fields.iter().map(String::as_str).filter(|name| !IDENTITY.contains(name));
        let all: Vec<&str> = IDENTITY.into_iter().chain(asked).collect();
        let names = all.iter().map(|name| PyString::intern(py, name).unbind()).collect();
        let briefing = brief.map(|(keyed, said, later, find)| {
            let later = [&IDENTITY.map(str::to_owned), later.as_slice()].concat();
            Briefing::new(&all, &keyed, &said, &later, find)
        });
        let reader = Reader::new(all, Bounds { bytes, depth, values });
        Self { reader, names, fields: kind, arrival, briefing, known: Mutex::default() }
    }

    fn read<'py>(
        &self,
        py: Python<'py>,
        lines: Vec<Bound<'py, PyBytes>>,
        source: &Bound<'py, PyString>,
    ) -> PyResult<Bound<'py, PyList>> {
        let bytes: Vec<PyBackedBytes> = lines.iter().cloned().map(PyBackedBytes::from).collect();
        let rows = py.detach(|| self.rows(&bytes));
        let mut known = std::mem::take(&mut *self.known.lock().unwrap_or_else(PoisonError::into_inner));
        let mut making = Making { source, provider: (String::new(), source.clone()), known: &mut known };
        let made: PyResult<Vec<_>> =
            rows.into_iter().zip(&lines).map(|(row, line)| self.make(py, row, line, &mut making)).collect();
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = known;
        PyList::new(py, made?)
    }

    fn fields<'py>(&self, py: Python<'py>, line: PyBackedBytes) -> PyResult<Bound<'py, PyAny>> {
        let event = self.fields.bind(py).call0()?;
        if let Some(Ok(found)) = self.reader.read(std::iter::once(&*line)).pop() {
            self.fill(py, found, event.cast::<PyDict>()?)?;
        }
        Ok(event)
    }
}

/// What is the same for the lines of a batch.
struct Making<'a, 'py> {
    source: &'a Bound<'py, PyString>,
    /// The provider that was named last.
    provider: (String, Bound<'py, PyString>),
    known: &'a mut Known,
}

impl Arrivals {
    fn rows<'a>(&self, lines: &'a [PyBackedBytes]) -> Vec<Result<Row<'a>, String>> {
        let read = self.reader.read(lines.iter().map(|line| &**line));
        let rows = read.into_iter().zip(lines);
        rows.map(|(found, line)| found.map(|found| self.row(found, line))).collect()
    }

    fn row<'a>(&self, found: Vec<Found<'a>>, line: &[u8]) -> Row<'a> {
        let times = times(&found, line);
        let is_brief = times.is_some() && self.briefing.as_ref().is_some_and(|briefing| briefing.suits(&found));
        Row { found, times, is_brief }
    }

    /// The arrival of a row; its fields alone where it needs a second look; a text where it is no event.
    fn make<'py>(
        &self,
        py: Python<'py>,
        row: Result<Row<'_>, String>,
        line: &Bound<'py, PyBytes>,
        making: &mut Making<'_, 'py>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let Row { found, times, is_brief } = match row {
            Ok(row) => row,
            Err(reason) => return Ok(PyString::new(py, &reason).into_any()),
        };
        let Some((time, created)) = times else {
            let event = self.fields.bind(py).call0()?;
            self.fill(py, found, event.cast::<PyDict>()?)?;
            return Ok(event);
        };
        let named = text(&found, PROVIDER).unwrap_or_default();
        if making.provider.0 != named {
            let name = if named.is_empty() { making.source.clone() } else { PyString::new(py, named) };
            making.provider = (named.to_owned(), name);
        }
        let (provider, arrival) = (&making.provider.1, self.arrival.bind(py));
        let id = PyString::new(py, text(&found, ID).unwrap_or_default());
        if is_brief && let Some(briefing) = &self.briefing {
            let brief = briefing.tell(py, &found, &self.names, making.known)?;
            return arrival.call1((line, brief, id, provider, time, created));
        }
        let event = self.fields.bind(py).call0()?;
        self.fill(py, found, event.cast::<PyDict>()?)?;
        arrival.call1((line, event, id, provider, time, created))
    }

    fn fill<'py>(&self, py: Python<'py>, found: Vec<Found<'_>>, event: &Bound<'py, PyDict>) -> PyResult<()> {
        for Found { field, values } in found {
            let value = match values {
                Values::One(value) => scalar(py, value),
                Values::Several(values) => {
                    PyList::new(py, values.into_iter().map(|value| scalar(py, value)))?.into_any()
                }
            };
            event.set_item(self.names[field].bind(py), value)?;
        }
        Ok(())
    }
}

/// Event time and arrival (µs) of an event in which nothing that identifies it is unusual.
fn times(found: &[Found<'_>], line: &[u8]) -> Option<(i64, i64)> {
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
fn text<'a>(found: &'a [Found<'_>], field: usize) -> Option<&'a str> {
    found.iter().find(|one| one.field == field)?.text()
}

fn scalar<'py>(py: Python<'py>, value: Scalar<'_>) -> Bound<'py, PyAny> {
    match value {
        Scalar::Bool(value) => PyBool::new(py, value).to_owned().into_any(),
        Scalar::Integer(value) => PyInt::new(py, value).into_any(),
        Scalar::Float(value) => PyFloat::new(py, value).into_any(),
        Scalar::Text(text) => PyString::new(py, &text).into_any(),
    }
}
