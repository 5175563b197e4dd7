"""Network: flows of a capture or an interface."""
