"""Playbooks."""

from _trueup.told import Playbook  # noqa: F401
