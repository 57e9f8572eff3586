"""Waiting for several files."""

import selectors as _selectors
from selectors import *  # noqa: F401,F403

EVENT_READ = _selectors.EVENT_READ
EVENT_WRITE = _selectors.EVENT_WRITE
