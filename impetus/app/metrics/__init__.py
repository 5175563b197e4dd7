"""Metrics of the running system, for Prometheus and OpenTelemetry."""
