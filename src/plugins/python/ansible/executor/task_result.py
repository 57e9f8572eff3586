"""Results of tasks."""

from _trueup.told import TaskResult  # noqa: F401
