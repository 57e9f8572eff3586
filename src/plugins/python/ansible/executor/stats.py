"""How tasks ended, by host."""

from _trueup.told import Counts as AggregateStats  # noqa: F401
