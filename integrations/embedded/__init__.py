"""The embedded log and store: one SQLite file, for one process on one machine."""
