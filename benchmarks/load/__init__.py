"""Loads on a running Impetus, from what it can bear to ten times that."""
