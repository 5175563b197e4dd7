"""Integrations: adapters behind the ports of impetus.domain."""
