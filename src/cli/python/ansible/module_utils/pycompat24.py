"""What modules of long ago import."""

import sys

from ansible.module_utils.common.warnings import deprecate


def get_exception():
    """The exception that is being handled."""
    deprecate(
        msg="The `ansible.module_utils.pycompat24.get_exception` function is deprecated.",
        version="2.19",
    )
    return sys.exc_info()[1]
