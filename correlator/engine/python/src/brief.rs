//! What is told of a common event in place of its fields: what it says it is, and the keys that it is found by.

use std::collections::HashMap;

use impetus_matcher::{Found, Scalar, Values};
use pyo3::{
    prelude::*,
    types::{PyString, PyTuple},
};

/// So many values of a field have their keys remembered; then they are found anew.
const MAX_VALUES: usize = 20_000;

/// Keys of longer values are not remembered (bytes).
const MAX_LENGTH: usize = 256;

/// What a field means for an event to be told in brief.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Part {
    /// The event is found by it.
    Key,
    /// It is the part of what the event says it is, by its position.
    Said(usize),
    /// It is of interest only later.
    Later,
    /// The event has to be looked at.
    Rare,
}

/// How events are told in brief.
pub struct Briefing {
    parts: Vec<Part>,
    said: usize,
    find: Py<PyAny>,
}

/// What was told before, remembered: most events have values that others had.
#[derive(Default)]
pub struct Known {
    keys: HashMap<usize, HashMap<Box<str>, Py<PyTuple>>>,
    said: HashMap<Vec<u8>, Py<PyTuple>>,
    /// The key of `said` that is looked for.
    key: Vec<u8>,
}

impl Briefing {
    /// `keyed`, `said` and `later` are fields; an event with any other of `fields` is not told in brief. `find` gives the
    /// keys (a tuple) of a field and its value.
    pub fn new(fields: &[&str], keyed: &[String], said: &[String], later: &[String], find: Py<PyAny>) -> Self {
        let part = |field: &&str| {
            let is = |name: &String| name == field;
            if let Some(place) = said.iter().position(is) {
                Part::Said(place)
            } else if keyed.iter().any(is) {
                Part::Key
            } else if later.iter().any(is) {
                Part::Later
            } else {
                Part::Rare
            }
        };
        Self { parts: fields.iter().map(part).collect(), said: said.len(), find }
    }

    /// Whether an event with these fields can be told in brief.
    pub fn suits(&self, found: &[Found<'_>]) -> bool {
        found.iter().all(|one| match self.parts[one.field] {
            Part::Later => true,
            Part::Rare => false,
            Part::Key => one.text().is_some(),
            Part::Said(_) => texts(one).is_some(),
        })
    }

    /// Such an event in brief: what it says it is, and its keys, each once.
    pub fn tell<'py>(
        &self,
        py: Python<'py>,
        found: &[Found<'_>],
        names: &[Py<PyString>],
        known: &mut Known,
    ) -> PyResult<(Py<PyTuple>, Bound<'py, PyTuple>)> {
        let mut keys: Vec<Bound<'py, PyAny>> = Vec::with_capacity(found.len());
        for one in found.iter().filter(|one| self.parts[one.field] == Part::Key) {
            let Some(value) = one.text() else { continue };
            let of = known.keys.entry(one.field).or_default();
            match of.get(value) {
                Some(found) => add(&mut keys, found.bind(py))?,
                None => add(&mut keys, &self.find(py, &names[one.field], value, of)?)?,
            }
        }
        Ok((self.said(py, found, known)?, PyTuple::new(py, keys)?))
    }

    fn find<'py>(
        &self,
        py: Python<'py>,
        name: &Py<PyString>,
        value: &str,
        of: &mut HashMap<Box<str>, Py<PyTuple>>,
    ) -> PyResult<Bound<'py, PyTuple>> {
        let found = self.find.bind(py).call1((name, value))?.cast_into::<PyTuple>()?;
        if value.len() <= MAX_LENGTH {
            if of.len() >= MAX_VALUES {
                of.clear();
            }
            of.insert(value.into(), found.clone().unbind());
        }
        Ok(found)
    }

    fn said(&self, py: Python<'_>, found: &[Found<'_>], known: &mut Known) -> PyResult<Py<PyTuple>> {
        known.key.clear();
        for place in 0..self.said {
            let part = self.part(found, place);
            known.key.extend((part.len() as u32).to_le_bytes());
            for text in part {
                known.key.extend((text.len() as u32).to_le_bytes());
                known.key.extend_from_slice(text.as_bytes());
            }
        }
        if let Some(told) = known.said.get(&known.key) {
            return Ok(told.clone_ref(py));
        }
        let parts: PyResult<Vec<_>> = (0..self.said).map(|place| told(py, &self.part(found, place))).collect();
        let told = PyTuple::new(py, parts?)?.unbind();
        if known.said.len() >= MAX_VALUES {
            known.said.clear();
        }
        if known.key.len() <= MAX_LENGTH {
            known.said.insert(known.key.clone(), told.clone_ref(py));
        }
        known.key.shrink_to(MAX_LENGTH);
        Ok(told)
    }

    fn part<'a>(&self, found: &'a [Found<'_>], place: usize) -> Vec<&'a str> {
        let one = found.iter().find(|one| self.parts[one.field] == Part::Said(place));
        one.and_then(texts).unwrap_or_default()
    }
}

/// The texts of a field that has but texts, and some.
fn texts<'a>(found: &'a Found<'_>) -> Option<Vec<&'a str>> {
    match &found.values {
        Values::One(_) => found.text().map(|text| vec![text]),
        Values::Several(values) => {
            let texts = values.iter().map(|value| if let Scalar::Text(text) = value { Some(&**text) } else { None });
            texts.collect::<Option<Vec<_>>>().filter(|texts| !texts.is_empty())
        }
    }
}

/// A part of what an event says it is: nothing, a text, or several.
fn told<'py>(py: Python<'py>, part: &[&str]) -> PyResult<Bound<'py, PyAny>> {
    match part {
        [] => Ok(py.None().into_bound(py)),
        [text] => Ok(PyString::new(py, text).into_any()),
        several => Ok(PyTuple::new(py, several)?.into_any()),
    }
}

/// Add keys that are not among the others: few of an event are the same object, and fewer are equal.
fn add<'py>(keys: &mut Vec<Bound<'py, PyAny>>, more: &Bound<'py, PyTuple>) -> PyResult<()> {
    for key in more {
        let mut is_new = true;
        for known in keys.iter() {
            is_new &= !known.is(&key) && !known.eq(&key)?;
        }
        if is_new {
            keys.push(key);
        }
    }
    Ok(())
}
