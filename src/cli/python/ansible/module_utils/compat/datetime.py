"""Times of UTC that know that they are."""

import datetime as _datetime

PY3 = True
UTC = _datetime.timezone.utc


def utcfromtimestamp(timestamp):
    """The time of a timestamp."""
    return _datetime.datetime.fromtimestamp(timestamp, UTC)


def utcnow():
    """The time now."""
    return _datetime.datetime.now(UTC)
