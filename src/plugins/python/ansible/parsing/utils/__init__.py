"""Addresses and JSON."""
