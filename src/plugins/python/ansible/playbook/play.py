"""Plays."""

from _trueup.told import Play  # noqa: F401
