"""Tasks."""

from _trueup.told import Task  # noqa: F401
