"""Things: what devices publish."""
