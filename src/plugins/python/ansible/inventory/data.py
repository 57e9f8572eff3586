"""Hosts and groups."""

from _trueup.inventories import Inventory as InventoryData  # noqa: F401
