"""Includes: their tasks are not told of as such."""

from _trueup.told import Task


class TaskInclude(Task):
    pass
