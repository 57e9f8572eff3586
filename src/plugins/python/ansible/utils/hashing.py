"""Digests of files and texts."""

import hashlib
import os

from ansible.errors import AnsibleError
from ansible.module_utils.common.text.converters import to_bytes


def secure_hash_s(data, hash_func=hashlib.sha1):
    digest = hash_func()
    digest.update(to_bytes(data, errors="surrogate_or_strict"))
    return digest.hexdigest()


def secure_hash(filename, hash_func=hashlib.sha1):
    if not os.path.exists(filename) or os.path.isdir(filename):
        return None
    digest = hash_func()
    try:
        with open(filename, "rb") as stream:
            for block in iter(lambda: stream.read(1 << 16), b""):
                digest.update(block)
    except OSError as error:
        raise AnsibleError("error while accessing the file %s, error was: %s" % (filename, error))
    return digest.hexdigest()


checksum, checksum_s = secure_hash, secure_hash_s


def md5s(data):
    return secure_hash_s(data, hashlib.md5)


def md5(filename):
    return secure_hash(filename, hashlib.md5)
