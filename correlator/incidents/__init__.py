"""Incidents: which alerts belong together, what weighs how much, and what people did."""
