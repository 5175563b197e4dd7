//! The Python module `correlator._engine`: a thin layer over the pure crates.

mod matcher;

#[pyo3::pymodule]
mod _engine {
    #[pymodule_export]
    use super::matcher::Matcher;
}
