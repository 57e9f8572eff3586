"""Where programs are."""

import os

from ansible.module_utils.common.file import is_executable
from ansible.module_utils.common.warnings import deprecate

# What is looked in last, as PATH often lacks it.
_SYSTEM_FOLDERS = ("/sbin", "/usr/sbin", "/usr/local/sbin")


def get_bin_path(arg, opt_dirs=None, required=None):
    """The path of a program: in `opt_dirs`, in PATH, or where programs of the system are.

    Raises ValueError where it is in none of them.
    """
    if required is not None:
        deprecate(
            "The `required` parameter in `get_bin_path` API is deprecated.", version="2.21"
        )
    folders = [folder for folder in opt_dirs or [] if folder is not None and os.path.exists(folder)]
    folders += os.environ.get("PATH", "").split(os.pathsep)
    folders += [
        folder
        for folder in _SYSTEM_FOLDERS
        if folder not in folders and os.path.exists(folder)
    ]
    for folder in folders:
        if not folder:
            continue
        path = os.path.join(folder, arg)
        if os.path.exists(path) and not os.path.isdir(path) and is_executable(path):
            return path
    raise ValueError(
        'Failed to find required executable "%s" in paths: %s' % (arg, os.pathsep.join(folders))
    )
