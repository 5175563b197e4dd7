"""Impetus: a security information and event management system for cities."""
