"""How the running system is, as it sees itself: what ails it, for probes and for its own queue."""
