//! The Python classes `Item`, `Firing` and `Windows`, and the function `alert_id`.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use impetus_windows as engine;
use pyo3::{
    exceptions::{PyRuntimeError, PyValueError},
    prelude::*,
    pybacked::PyBackedBytes,
    types::{PyBytes, PyList},
};

type StateRow<'py> = (Bound<'py, PyBytes>, Option<Bound<'py, PyBytes>>);

/// One observation entering the windows: a match of a single-event rule.
#[pyclass(frozen, module = "correlator._engine")]
pub struct Item(pub(crate) engine::Item);

#[pymethods]
impl Item {
    #[new]
    #[allow(clippy::too_many_arguments)]
    fn new(
        rule: usize,
        id: &str,
        time: i64,
        zone: Option<&str>,
        latitude: Option<f64>,
        longitude: Option<f64>,
        radius: Option<f64>,
        fields: Vec<(String, String)>,
        explained: bool,
    ) -> Self {
        let spot = engine::Spot::new(latitude, longitude, radius);
        let item = engine::Item::new(rule, id, time).with_fields(fields);
        Self(item.with_place(zone, spot).with_explained(explained))
    }
}

/// A change of one correlation alert: new, revised, or gone.
#[pyclass(frozen, module = "correlator._engine")]
pub struct Firing(engine::Firing);

#[pymethods]
impl Firing {
    #[getter]
    fn rule(&self) -> usize {
        self.0.rule
    }

    #[getter]
    fn id(&self) -> &str {
        &self.0.id
    }

    #[getter]
    fn revision(&self) -> u32 {
        self.0.revision
    }

    #[getter]
    fn group(&self) -> Vec<(String, String)> {
        self.0.group.clone()
    }

    #[getter]
    fn members<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        PyList::new(py, self.0.members.to_vec().iter().map(|m| &**m))
    }

    #[getter]
    fn added(&self) -> Option<Vec<&str>> {
        self.0.added.as_ref().map(|added| added.iter().map(|m| &**m).collect())
    }

    #[getter]
    fn at(&self) -> i64 {
        self.0.at
    }

    #[getter]
    fn since(&self) -> i64 {
        self.0.since
    }

    #[getter]
    fn newest(&self) -> &str {
        &self.0.newest
    }

    #[getter]
    fn certainty(&self) -> Option<&'static str> {
        self.0.certainty.map(engine::Certainty::name)
    }

    #[getter]
    fn absent(&self) -> Vec<String> {
        self.0.absent.clone()
    }

    #[getter]
    fn supersedes(&self) -> Vec<String> {
        self.0.supersedes.clone()
    }

    #[getter]
    fn gone(&self) -> bool {
        self.0.gone
    }

    #[getter]
    fn late(&self) -> bool {
        self.0.late
    }
}

/// A wait for an absence that ended without saying whether the awaited event happened.
#[pyclass(frozen, module = "correlator._engine")]
pub struct Doubt(engine::Doubt);

#[pymethods]
impl Doubt {
    #[getter]
    fn rule(&self) -> usize {
        self.0.rule
    }

    #[getter]
    fn group(&self) -> Vec<(String, String)> {
        self.0.group.clone()
    }

    #[getter]
    fn since(&self) -> i64 {
        self.0.since
    }

    #[getter]
    fn until(&self) -> i64 {
        self.0.until
    }

    #[getter]
    fn unseen(&self) -> Vec<usize> {
        self.0.unseen.clone()
    }

    #[getter]
    fn newest(&self) -> &str {
        &self.0.newest
    }
}

/// A callable that reads rows of the store, and what it raised last.
#[derive(Debug)]
struct Shelf {
    load: Py<PyAny>,
    raised: Raised,
}

type Raised = Arc<Mutex<Option<PyErr>>>;

impl engine::Shelf for Shelf {
    fn load(&self, ranges: &[engine::KeyRange], most: Option<usize>) -> Result<Vec<engine::StoredRow>, String> {
        Python::attach(|py| {
            let bytes = |name: &[u8]| PyBytes::new(py, name);
            let ranges: Vec<_> = ranges.iter().map(|(from, to)| (bytes(from), to.as_deref().map(bytes))).collect();
            let rows = self.load.call1(py, (ranges, most)).and_then(|rows| read_rows(rows.bind(py)));
            rows.map_err(|error: PyErr| {
                let why = error.to_string();
                *self.raised.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                why
            })
        })
    }
}

/// Correlations over matches, in event time, independent of the order of arrival within the lateness.
#[pyclass(frozen, module = "correlator._engine")]
pub struct Windows {
    windows: Mutex<engine::Windows>,
    raised: Raised,
}

impl Windows {
    fn lock(&self) -> MutexGuard<'_, engine::Windows> {
        self.windows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Works on the windows without the interpreter lock; raises if they had to stop because of the store.
    fn fire(
        &self,
        py: Python<'_>,
        work: impl FnOnce(&mut engine::Windows) -> Vec<engine::Firing> + Send,
    ) -> PyResult<Vec<Firing>> {
        let (firings, failure) = py.detach(|| {
            let mut windows = self.lock();
            (work(&mut windows), windows.failure().map(str::to_owned))
        });
        match failure {
            None => Ok(wrap(firings)),
            Some(why) => Err(self.raised().unwrap_or_else(|| PyRuntimeError::new_err(why))),
        }
    }

    /// What the store raised last.
    fn raised(&self) -> Option<PyErr> {
        self.raised.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Reads from the store without the interpreter lock.
    fn read<T: Send>(
        &self,
        py: Python<'_>,
        work: impl FnOnce(&mut engine::Windows) -> Result<T, String> + Send,
    ) -> PyResult<T> {
        let read = py.detach(|| work(&mut self.lock()));
        read.map_err(|why| self.raised().unwrap_or_else(|| PyValueError::new_err(why)))
    }
}

#[pymethods]
impl Windows {
    #[new]
    #[pyo3(signature = (form, city, max_keys=None, max_items=None, max_stored=None))]
    fn new(
        py: Python<'_>,
        form: PyBackedBytes,
        city: PyBackedBytes,
        max_keys: Option<usize>,
        max_items: Option<usize>,
        max_stored: Option<usize>,
    ) -> PyResult<Self> {
        let usual = engine::Limits::default();
        let limits = engine::Limits {
            keys: max_keys.unwrap_or(usual.keys),
            stored: max_stored.unwrap_or(usual.stored),
            items: max_items.unwrap_or(usual.items),
            ..usual
        };
        let windows = py.detach(|| engine::Windows::new(&form, &city));
        let windows = windows.map_err(|refusals| PyValueError::new_err(engine::refusals_json(&refusals)))?;
        Ok(Self { windows: Mutex::new(windows.with_limits(limits)), raised: Raised::default() })
    }

    #[getter]
    fn fields(&self, py: Python<'_>) -> Vec<Vec<String>> {
        py.detach(|| self.lock().fields())
    }

    #[getter]
    fn fingerprints(&self, py: Python<'_>) -> Vec<u64> {
        py.detach(|| self.lock().fingerprints())
    }

    fn push(&self, py: Python<'_>, items: Vec<PyRef<'_, Item>>) -> PyResult<Vec<Firing>> {
        let items: Vec<engine::Item> = items.iter().map(|item| item.0.clone()).collect();
        self.fire(py, move |windows| windows.push(&items))
    }

    fn replace(&self, py: Python<'_>, old: Vec<PyRef<'_, Item>>, items: Vec<PyRef<'_, Item>>) -> PyResult<Vec<Firing>> {
        let old: Vec<engine::Item> = old.iter().map(|item| item.0.clone()).collect();
        let items: Vec<engine::Item> = items.iter().map(|item| item.0.clone()).collect();
        self.fire(py, move |windows| windows.replace(&old, &items))
    }

    fn unexplain(&self, py: Python<'_>, ids: Vec<String>) -> PyResult<Vec<Firing>> {
        self.fire(py, |windows| windows.unexplain(&ids.iter().map(String::as_str).collect::<Vec<_>>()))
    }

    fn begin(&self, py: Python<'_>, began: Vec<engine::Block>) {
        py.detach(|| self.lock().begin(began));
    }

    #[pyo3(signature = (events, more=false))]
    fn earlier(&self, py: Python<'_>, events: Vec<(String, engine::Block)>, more: bool) {
        let events = events.into_iter().map(|(id, block)| (id.into(), block));
        py.detach(|| self.lock().earlier(events, more));
    }

    fn hold(&self, py: Python<'_>, events: Vec<(String, i64, i64)>) {
        let pending = events.into_iter().map(|(id, time, until)| engine::Pending { until, time, id: id.into() });
        py.detach(|| self.lock().hold(pending));
    }

    fn advance(&self, py: Python<'_>, event_time: i64) -> PyResult<Vec<Firing>> {
        self.fire(py, |windows| windows.advance(event_time))
    }

    fn shelve(&self, py: Python<'_>, load: Py<PyAny>) {
        let shelf = Shelf { load, raised: self.raised.clone() };
        py.detach(|| self.lock().set_shelf(Box::new(shelf)));
    }

    fn resume(&self, py: Python<'_>, pinned: Vec<Vec<u8>>) -> PyResult<()> {
        self.read(py, |windows| windows.resume(pinned))
    }

    fn read_ahead(&self, py: Python<'_>, most: usize) -> PyResult<bool> {
        self.read(py, |windows| windows.read_ahead(most))
    }

    fn lost(&self, py: Python<'_>) -> usize {
        py.detach(|| self.lock().lost())
    }

    fn pins<'py>(&self, py: Python<'py>) -> Vec<(Bound<'py, PyBytes>, bool)> {
        let pins = py.detach(|| self.lock().pins());
        pins.into_iter().map(|(name, pinned)| (PyBytes::new(py, &name), pinned)).collect()
    }

    fn committed(&self, py: Python<'_>) {
        py.detach(|| self.lock().committed());
    }

    #[getter]
    fn population(&self, py: Python<'_>) -> (usize, usize) {
        py.detach(|| self.lock().population())
    }

    #[pyo3(signature = (rule, stretches, part=None))]
    fn blind(&self, py: Python<'_>, rule: usize, stretches: Vec<engine::Stretch>, part: Option<(String, String)>) {
        py.detach(|| self.lock().blind(rule, part, stretches));
    }

    fn doubt(&self, py: Python<'_>, part: (String, String), stretches: Vec<engine::Stretch>) {
        py.detach(|| self.lock().doubt(part, stretches));
    }

    fn doubts(&self, py: Python<'_>) -> Vec<Doubt> {
        py.detach(|| self.lock().doubts()).into_iter().map(Doubt).collect()
    }

    fn notices(&self, py: Python<'_>) -> Vec<(usize, String)> {
        py.detach(|| self.lock().notices())
    }

    fn dirty<'py>(&self, py: Python<'py>) -> Vec<StateRow<'py>> {
        let rows = py.detach(|| self.lock().dirty());
        let bytes = |b: Vec<u8>| PyBytes::new(py, &b);
        rows.into_iter().map(|(key, state)| (bytes(key), state.map(bytes))).collect()
    }

    fn restore(&self, py: Python<'_>, state: Vec<(PyBackedBytes, PyBackedBytes)>) -> PyResult<()> {
        let rows = state.iter().map(|(key, state)| (&**key, &**state));
        let restored = py.detach(|| self.lock().restore(rows));
        restored.map_err(|error| PyValueError::new_err(error.to_string()))
    }
}

/// Rows that Python gives, copied once.
fn read_rows(rows: &Bound<'_, PyAny>) -> PyResult<Vec<engine::StoredRow>> {
    let pairs: Vec<(Bound<'_, PyBytes>, Bound<'_, PyBytes>)> = rows.extract()?;
    Ok(pairs.iter().map(|(name, state)| (name.as_bytes().to_vec(), state.as_bytes().to_vec())).collect())
}

fn wrap(firings: Vec<engine::Firing>) -> Vec<Firing> {
    firings.into_iter().map(Firing).collect()
}

/// The id of an alert: 26 characters, the same on both sides of the boundary.
#[pyfunction]
pub fn alert_id(rule: &str, group: Vec<(String, String)>, earliest: &str) -> String {
    engine::alert_id(rule, &group, earliest)
}
