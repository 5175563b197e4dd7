"""Widgets on Textual's line API: only the lines that are on screen exist."""
