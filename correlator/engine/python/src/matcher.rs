//! The Python class `Matcher`.

use impetus_matcher::{Explanation, Matcher as Rules, Refusal, Scan as Found, Scope};
use pyo3::{
    exceptions::{PyIndexError, PyValueError},
    prelude::*,
    pybacked::PyBackedBytes,
    types::PyBytes,
};

/// What a buffer of lines held.
#[pyclass(frozen, get_all, module = "correlator._engine")]
pub struct Scan {
    lines: usize,
    events: usize,
    matches: Vec<(usize, usize)>,
    malformed: Vec<usize>,
}

/// Single-event rules, compiled per log source.
#[pyclass(frozen, module = "correlator._engine")]
pub struct Matcher(Rules);

#[pymethods]
impl Matcher {
    #[new]
    fn new(py: Python<'_>, form: PyBackedBytes) -> PyResult<Self> {
        py.detach(|| Rules::compile(&form)).map(Self).map_err(|refusals| refused(&refusals))
    }

    #[getter]
    fn rules(&self) -> usize {
        self.0.rules()
    }

    #[pyo3(name = "match")]
    fn match_lines(&self, py: Python<'_>, lines: Vec<PyBackedBytes>) -> Vec<(usize, usize)> {
        py.detach(|| self.0.match_lines(lines.iter().map(|line| &**line), Scope::LogSource))
    }

    fn match_buffer(&self, py: Python<'_>, data: PyBackedBytes) -> Vec<(usize, usize)> {
        py.detach(|| self.0.match_buffer(&data, Scope::LogSource))
    }

    fn scan(&self, py: Python<'_>, data: PyBackedBytes, every: bool) -> Scan {
        let scope = if every { Scope::Every } else { Scope::LogSource };
        let Found { lines, events, matches, malformed } = py.detach(|| self.0.scan(&data, scope));
        Scan { lines, events, matches, malformed }
    }

    fn match_all(&self, py: Python<'_>, lines: Vec<PyBackedBytes>) -> Vec<(usize, usize)> {
        py.detach(|| self.0.match_lines(lines.iter().map(|line| &**line), Scope::Every))
    }

    fn explain<'py>(&self, py: Python<'py>, line: PyBackedBytes, rule: usize) -> PyResult<Bound<'py, PyBytes>> {
        let explained = py.detach(|| self.0.explain(&line, rule));
        written(py, &explained.ok_or_else(|| PyIndexError::new_err(format!("no rule {rule}")))?)
    }

    fn evidence<'py>(
        &self,
        py: Python<'py>,
        line: PyBackedBytes,
        rule: usize,
        most: usize,
    ) -> PyResult<Option<Bound<'py, PyBytes>>> {
        let found = py.detach(|| self.0.evidence(&line, rule, most));
        found.map(|found| written(py, &found)).transpose()
    }
}

fn written<'py>(py: Python<'py>, explained: &Explanation) -> PyResult<Bound<'py, PyBytes>> {
    let json = serde_json::to_vec(explained).map_err(|error| PyValueError::new_err(error.to_string()))?;
    Ok(PyBytes::new(py, &json))
}

fn refused(refusals: &[Refusal]) -> PyErr {
    match serde_json::to_string(refusals) {
        Ok(text) => PyValueError::new_err(text),
        Err(error) => PyValueError::new_err(error.to_string()),
    }
}
