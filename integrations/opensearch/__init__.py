"""OpenSearch behind the port of ``integrations.documents``."""
