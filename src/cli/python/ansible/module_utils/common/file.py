"""Modes and attributes of files."""

import os
import re
import stat

S_IRANY = 0o444
S_IWANY = 0o222
S_IXANY = 0o111
S_IRWU_RWG_RWO = 0o666
S_IRWU_RG_RO = 0o644
S_IRWXU_RXG_RXO = 0o755
_PERM_BITS = 0o7777
_EXEC_PERM_BITS = S_IXANY
_DEFAULT_PERM = 0o666

# The letters of lsattr, with the names that chattr's page gives them.
FILE_ATTRIBUTES = {
    "A": "noatime",
    "a": "append",
    "c": "compressed",
    "C": "nocow",
    "d": "nodump",
    "D": "dirsync",
    "e": "extents",
    "E": "encrypted",
    "h": "blocksize",
    "i": "immutable",
    "I": "indexed",
    "j": "journalled",
    "N": "inline",
    "s": "zero",
    "S": "synchronous",
    "t": "notail",
    "T": "blockroot",
    "u": "undelete",
    "X": "compressedraw",
    "Z": "compresseddirty",
}

# Parts of a symbolic mode; what matches the first and the last is wrong.
USERS_RE = re.compile(r"[^ugo]")
MODE_OPERATOR_RE = re.compile(r"[+=-]")
PERMS_RE = re.compile(r"[^rwxXstugo]")


def is_executable(path):
    """The bits of a mode by which somebody may execute a file: zero where nobody may."""
    return os.stat(path)[stat.ST_MODE] & S_IXANY


def format_attributes(attributes):
    """The names of lsattr's letters, those that are known."""
    return [FILE_ATTRIBUTES[letter] for letter in attributes if letter in FILE_ATTRIBUTES]


def get_flags_from_attributes(attributes):
    """The letters of lsattr's names."""
    letters = {name: letter for letter, name in FILE_ATTRIBUTES.items()}
    return "".join(letters[name] for name in attributes if name in letters)


def get_file_arg_spec():
    """The arguments of a module that manages what a file has besides its content."""
    spec = {"mode": {"type": "raw"}, "attributes": {"aliases": ["attr"]}}
    for name in ("owner", "group", "seuser", "serole", "selevel", "setype"):
        spec[name] = {}
    return spec
