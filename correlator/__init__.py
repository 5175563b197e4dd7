"""Correlator: enrich, match, windows, incidents, score; the engine in Rust and the Python around it."""
