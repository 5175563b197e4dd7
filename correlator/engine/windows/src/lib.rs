//! Correlation windows over rule matches, in event time.
