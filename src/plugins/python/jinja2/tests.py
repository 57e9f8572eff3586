"""Jinja2's own tests, done by the controller: `test_NAME` is the test NAME."""

from jinja2.filters import _ask


def __getattr__(name):
    if name.startswith("test_"):
        return _ask("test", name[5:])
    raise AttributeError(name)
