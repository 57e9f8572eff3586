"""Ansible's filters as functions, which the controller does."""

from ansible.plugins.filter.core import FilterModule, __getattr__  # noqa: F401
