"""Versions that compare; those of Python's packages, loosely."""

from ansible.module_utils.compat.version import LooseVersion, StrictVersion  # noqa: F401
