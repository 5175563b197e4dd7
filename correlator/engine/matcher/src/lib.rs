//! Single-event rules over raw JSON events.
