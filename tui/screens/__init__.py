"""Screens: where keys, session and views meet."""
