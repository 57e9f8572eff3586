"""Warnings and deprecations that are reported with a module's result."""

_global_warnings = []
_global_deprecations = []


def warn(warning):
    """Reports a warning."""
    if not isinstance(warning, str):
        raise TypeError("warn requires a string not a %s" % type(warning))
    _global_warnings.append(warning)


def deprecate(msg, version=None, date=None, collection_name=None):
    """Reports that something is going to be gone, by a version or by a date."""
    if not isinstance(msg, str):
        raise TypeError("deprecate requires a string not a %s" % type(msg))
    when = {"date": date} if date else {"version": version}
    _global_deprecations.append(dict(msg=msg, collection_name=collection_name, **when))


def get_warning_messages():
    """All warnings so far."""
    return tuple(_global_warnings)


def get_deprecation_messages():
    """All deprecations so far, as dicts."""
    return tuple(_global_deprecations)
