"""Hosts."""

from _trueup.inventories import Host  # noqa: F401
