"""Texts: bytes and str, numbers with units."""
