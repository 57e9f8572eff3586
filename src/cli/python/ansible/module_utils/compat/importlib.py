"""Importing by name."""

import sys as _sys  # noqa: F401
from importlib import import_module  # noqa: F401
