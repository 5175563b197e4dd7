"""Open sources and threat intelligence."""
