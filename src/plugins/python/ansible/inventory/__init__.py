"""Inventories."""
