"""Symbolic modes of files (`u=rw,g+X`) as numbers."""

import os
import re
import stat

# What a user, the group and others may, as shifts of their three bits.
_SHIFTS = {"u": 6, "g": 3, "o": 0}
_SPECIAL = {"u": stat.S_ISUID, "g": stat.S_ISGID, "o": 0}
_BITS = {"r": 4, "w": 2, "x": 1}
_EXEC_BITS = 0o111

_CLAUSE = re.compile(r"^(?P<users>.*?)(?P<rest>[+=-].*)$")


def current_umask():
    """The mask of new files, which can be read only by setting it."""
    umask = os.umask(0)
    os.umask(umask)
    return umask


def symbolic_mode(path_stat, symbolic):
    """The mode that a symbolic mode makes of the one that a file has.

    Raises ValueError where the users or the permissions of a clause are none.
    """
    mode = stat.S_IMODE(path_stat.st_mode)
    for clause in symbolic.split(","):
        match = _CLAUSE.match(clause)
        users = match.group("users") if match else clause
        named = (users or "a").replace("a", "ugo")
        if any(user not in _SHIFTS for user in named):
            raise ValueError("bad symbolic permission for mode: %s" % clause)
        if match is None:
            # Users without an operator: nothing is said of them.
            continue
        # The mask counts where nobody is named.
        mask = current_umask() if users == "" else 0
        for operator, permissions in re.findall(r"([+=-])([^+=-]*)", match.group("rest")):
            if re.search(r"[^rwxXstugo]", permissions):
                raise ValueError("bad symbolic permission for mode: %s" % clause)
            for user in named:
                bits = _permission_bits(path_stat, user, permissions, mode) & ~mask
                mode = _apply(user, operator, bits, mode)
    return mode


def _permission_bits(path_stat, user, permissions, mode):
    """The bits that permissions are for one user."""
    shift = _SHIFTS[user]
    is_dir = stat.S_ISDIR(path_stat.st_mode)
    bits = 0
    for letter in permissions:
        if letter in _BITS:
            bits |= _BITS[letter] << shift
        elif letter == "X":
            # Executable where it is for somebody already, and folders always.
            bits |= (1 << shift) if is_dir or mode & _EXEC_BITS else 0
        elif letter == "s":
            bits |= _SPECIAL[user]
        elif letter == "t":
            bits |= stat.S_ISVTX if user == "o" else 0
        else:
            bits |= ((mode >> _SHIFTS[letter]) & 7) << shift
    return bits


def _apply(user, operator, bits, mode):
    if operator == "+":
        return mode | bits
    if operator == "-":
        return mode & ~bits
    cleared = 7 << _SHIFTS[user]
    cleared |= _SPECIAL[user] if user != "o" else stat.S_ISVTX
    return mode & ~cleared | bits
