"""Secrets in results: values that are not to be shown, wherever they stand.

Containers are copied without recursion, as results may be deep.
"""

import datetime
from collections.abc import KeysView, Mapping, MutableMapping, MutableSequence, MutableSet
from collections.abc import Sequence, Set

from ansible.module_utils.common.text.converters import to_bytes, to_native

# Stands for a value that is a secret.
CENSORED = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"
# Stands for a secret within a text.
STARS = "********"
# Names with a meaning of their own are never masked.
KEPT_PREFIX = "_ansible"


def name_secrets(value):
    """The texts of a secret: of a number its text, of a container all that is in it."""
    if isinstance(value, (str, bytes)):
        if value:
            yield to_native(value, errors="surrogate_or_strict")
    elif isinstance(value, Mapping):
        for one in value.values():
            for text in name_secrets(one):
                yield text
    elif isinstance(value, (Sequence, Set)):
        for one in value:
            for text in name_secrets(one):
                yield text
    elif isinstance(value, bool) or value is None:
        return
    elif isinstance(value, (int, float)):
        yield to_native(value, nonstring="simplerepr")
    elif isinstance(value, (datetime.datetime, datetime.date)):
        yield value.isoformat()
    else:
        raise TypeError("Failed to convert to text: %s" % type(value))


def _mask_text(value, secrets):
    """A text without the secrets in it; all of it is gone where it is one."""
    text = to_native(value, errors="surrogate_or_strict")
    if text in secrets:
        return CENSORED
    for secret in secrets:
        text = text.replace(secret, STARS)
    if isinstance(value, bytes):
        return to_bytes(text, encoding="utf-8", errors="surrogate_or_strict")
    return text


def _empty_like(value):
    """An empty container to copy into, or None for what is none.

    Those that do not change are copied into one that does.
    """
    if isinstance(value, Mapping):
        return type(value)() if isinstance(value, MutableMapping) else {}
    if isinstance(value, Set) and not isinstance(value, KeysView):
        return type(value)() if isinstance(value, MutableSet) else set()
    if isinstance(value, (Sequence, KeysView)):
        return type(value)() if isinstance(value, MutableSequence) else []
    return None


def _copy(value, leaf, key):
    """Copies a structure: `leaf` turns what is no container into something, `key` turns keys."""
    if isinstance(value, (str, bytes)) or _empty_like(value) is None:
        return leaf(value)
    result = _empty_like(value)
    waiting = [(value, result)]
    while waiting:
        old, new = waiting.pop()

        def step(one):
            if isinstance(one, (str, bytes)):
                return leaf(one)
            empty = _empty_like(one)
            if empty is None:
                return leaf(one)
            waiting.append((one, empty))
            return empty

        if isinstance(old, Mapping):
            for name, one in old.items():
                new[key(name)] = step(one)
        elif isinstance(new, MutableSet):
            for one in old:
                new.add(leaf(one))
        else:
            for one in old:
                new.append(step(one))
    return result


def remove_values(value, no_log_strings):
    """A copy of a structure without the secrets in its values; keys stay."""
    secrets = _prepare(no_log_strings)

    def leaf(one):
        if isinstance(one, (str, bytes)):
            return _mask_text(one, secrets)
        if one is None or isinstance(one, (int, float)):
            text = to_native(one, encoding="utf-8", errors="surrogate_or_strict")
            if text in secrets or any(secret in text for secret in secrets):
                return CENSORED
            return one
        if isinstance(one, (datetime.datetime, datetime.date)):
            return one.isoformat()
        raise TypeError(
            "Value of unknown type: %s, %s" % (type(one), to_native(one, errors="replace"))
        )

    return _copy(value, leaf, lambda name: name)


def sanitize_keys(obj, no_log_strings, ignore_keys=frozenset()):
    """A copy of a structure without the secrets in the keys of its mappings; values stay."""
    secrets = _prepare(no_log_strings)

    def key(name):
        if name in ignore_keys or not isinstance(name, (str, bytes)):
            return name
        if to_native(name).startswith(KEPT_PREFIX):
            return name
        return _mask_text(name, secrets)

    def leaf(one):
        known = (str, bytes, int, float, bool, type(None), datetime.datetime, datetime.date)
        if isinstance(one, known):
            return one
        raise TypeError(
            "Value of unknown type: %s, %s" % (type(one), to_native(one, errors="replace"))
        )

    return _copy(obj, leaf, key)


def _prepare(no_log_strings):
    """Secrets as text, the longest first, so that one that holds another is masked whole."""
    texts = {to_native(secret, errors="surrogate_or_strict") for secret in no_log_strings}
    return sorted(texts, key=lambda secret: (-len(secret), secret))


def heuristic_log_sanitize(data, no_log_values=None):
    """A text without what looks like a password in an address (`user:password@host`).

    Searched from the end: an `@`, before it the nearest `://` (or the start of the text) that has a
    `:` behind it, and what stands between that `:` and the `@` is masked.
    """
    text = to_native(data)
    output = []
    end = len(text)
    while end:
        at = text.rfind("@", 0, end)
        begin, colon = at, -1
        while colon == -1 and begin > 0:
            begin = max(text.rfind("://", 0, begin), 0)
            # Not the colon of a scheme itself, nor one where no name stands before it.
            colon = text.find(":", begin + 3, at)
        if colon == -1:
            break
        output[:0] = [text[begin : colon + 1], STARS, text[at:end]]
        end = begin
    output.insert(0, text[:end])
    result = "".join(output)
    if no_log_values:
        result = remove_values(result, no_log_values)
    return result
