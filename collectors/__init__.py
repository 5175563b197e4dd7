"""Collectors: what takes events in, one file per kind of source."""
