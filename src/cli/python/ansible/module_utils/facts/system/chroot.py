"""Whether a module runs in a changed root."""

import os


def is_chroot(module=None):
    """Whether `/` is not the root of the first process."""
    if os.environ.get("debian_chroot", False):
        return True
    own = os.stat("/")
    try:
        first = os.stat("/proc/1/root/.")
        return (own.st_ino, own.st_dev) != (first.st_ino, first.st_dev)
    except OSError:
        pass
    # The first process is not to be looked at: roots of file systems have known numbers.
    number = 2
    if module is not None:
        program = module.get_bin_path("stat")
        if program:
            kind = module.run_command([program, "-f", "--format=%T", "/"])[1]
            number = {"btrfs": 256, "xfs": 128}.get(kind.strip(), 2)
    return own.st_ino != number
