//! The Python module `correlator._engine`: a thin layer over the pure crates.
