"""Streams that other systems keep: topics of Kafka."""
