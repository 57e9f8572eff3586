"""Types for annotations: those of typing, and of typing_extensions where it is there."""

try:
    from typing_extensions import *  # noqa: F401,F403
except ImportError:
    pass

from typing import *  # noqa: F401,F403
from typing import TYPE_CHECKING  # noqa: F401
