"""Elasticsearch behind the port of ``integrations.documents``."""
