"""The health of what reports: heartbeats of devices, sources that are down, and what cannot be told because of it."""
