"""Texts from outside of the playbook, in which nothing is a template."""

from collections.abc import Mapping, Set

from _trueup.wire import UnsafeText


class AnsibleUnsafe:
    __UNSAFE__ = True


class AnsibleUnsafeText(UnsafeText, AnsibleUnsafe):
    pass


class AnsibleUnsafeBytes(bytes, AnsibleUnsafe):
    pass


def wrap_var(value):
    if value is None or isinstance(value, AnsibleUnsafe):
        return value
    if isinstance(value, str):
        return AnsibleUnsafeText(value)
    if isinstance(value, bytes):
        return AnsibleUnsafeBytes(value)
    if isinstance(value, Mapping):
        return {wrap_var(key): wrap_var(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, Set)):
        return type(value)(wrap_var(item) for item in value)
    return value


def to_unsafe_text(*arguments, **named):
    from ansible.module_utils.common.text.converters import to_text

    return wrap_var(to_text(*arguments, **named))


def to_unsafe_bytes(*arguments, **named):
    from ansible.module_utils.common.text.converters import to_bytes

    return wrap_var(to_bytes(*arguments, **named))
