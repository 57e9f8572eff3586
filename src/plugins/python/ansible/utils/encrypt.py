"""Passwords: made at random, and hashed by the controller."""

import random
import string

from ansible.errors import AnsibleAssertionError

DEFAULT_PASSWORD_LENGTH = 20


def random_password(length=DEFAULT_PASSWORD_LENGTH, chars=None, seed=None):
    if chars is None:
        chars = string.ascii_letters + string.digits + ".,:-_"
    if not isinstance(chars, str):
        raise AnsibleAssertionError("%s (%s) is not a text_type" % (chars, type(chars)))
    source = random.SystemRandom() if seed is None else random.Random(seed)
    return "".join(source.choice(chars) for _ in range(length))


def random_salt(length=8):
    return random_password(length, string.ascii_letters + string.digits + "./")


def do_encrypt(result, encrypt, salt_size=None, salt=None, ident=None, rounds=None):
    from ansible.plugins.filter.core import password_hash

    said = {"salt": salt, "salt_size": salt_size, "ident": ident, "rounds": rounds}
    return password_hash(result, encrypt, **{key: value for key, value in said.items() if value is not None})
