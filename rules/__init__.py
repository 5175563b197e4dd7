"""Rules: the shipped content, and what loads, compiles, lints and tests it."""
