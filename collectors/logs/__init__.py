"""Logs: files of JSON lines, and syslog."""
