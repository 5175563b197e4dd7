"""Impetus on several machines: settings to parts, the runner behind Kafka, the workers and who keeps them running."""
