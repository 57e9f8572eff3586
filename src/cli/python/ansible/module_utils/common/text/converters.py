"""Bytes to text and back, with the error handlers that modules name."""

import codecs
import datetime
import json

__all__ = [
    "to_bytes",
    "to_text",
    "to_native",
    "jsonify",
    "container_to_bytes",
    "container_to_text",
]

# What a handler of ours is to Python. Bytes that are no text survive as lone surrogates.
_HANDLERS = {
    None: "surrogateescape",
    "surrogate_then_replace": "surrogateescape",
    "surrogate_or_replace": "surrogateescape",
    "surrogate_or_strict": "surrogateescape",
}
# These never raise: what even surrogates cannot carry is replaced.
_LENIENT = (None, "surrogate_then_replace")


def _plain(obj, nonstring, empty, caller):
    """What stands for an object that is neither bytes nor text.

    Returns a pair: whether the second is final, or a str that is yet to be converted.
    """
    if nonstring == "simplerepr":
        try:
            return False, str(obj)
        except UnicodeError:
            try:
                return False, repr(obj)
            except UnicodeError:
                return True, empty
    if nonstring == "passthru":
        return True, obj
    if nonstring == "empty":
        return True, empty
    if nonstring == "strict":
        raise TypeError("obj must be a string type")
    raise TypeError("Invalid value %s for %s nonstring parameter" % (nonstring, caller))


def to_bytes(obj, encoding="utf-8", errors=None, nonstring="simplerepr"):
    """Bytes of a text, in an encoding; bytes stay as they are.

    `nonstring` says what becomes of other objects: `simplerepr`, `empty`, `passthru` or `strict`.
    """
    if isinstance(obj, bytes):
        return obj
    if not isinstance(obj, str):
        is_final, obj = _plain(obj, nonstring, b"", "to_bytes'")
        if is_final:
            return obj
    try:
        return obj.encode(encoding, _HANDLERS.get(errors, errors))
    except UnicodeEncodeError:
        if errors not in _LENIENT:
            raise
        carried = obj.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        return carried.encode(encoding, "replace")


def to_text(obj, encoding="utf-8", errors=None, nonstring="simplerepr"):
    """Text of bytes in an encoding; text stays as it is."""
    if isinstance(obj, str):
        return obj
    if not isinstance(obj, bytes):
        return _plain(obj, nonstring, "", "to_text's")[1]
    return obj.decode(encoding, _HANDLERS.get(errors, errors))


# The native text of Python 3.
to_native = to_text


def _encode_other(obj):
    """JSON of what the json module does not know."""
    if isinstance(obj, (set, frozenset)):
        return list(obj)
    if hasattr(obj, "__contains__") and hasattr(obj, "isdisjoint"):
        return list(obj)
    if isinstance(obj, datetime.datetime):
        return obj.isoformat()
    raise TypeError("Cannot json serialize %s" % to_native(obj))


_json_encode_fallback = _encode_other


def jsonify(data, **kwargs):
    """JSON of data with bytes, sets and times in it; UnicodeError for bytes that are no text."""
    for encoding in ("utf-8", "latin-1"):
        try:
            texts = container_to_text(data, encoding=encoding)
        except UnicodeDecodeError:
            continue
        return json.dumps(texts, default=_encode_other, **kwargs)
    raise UnicodeError("Invalid unicode encoding encountered")


def _map_strings(data, convert):
    if isinstance(data, dict):
        return {
            _map_strings(name, convert): _map_strings(value, convert)
            for name, value in data.items()
        }
    if isinstance(data, list):
        return [_map_strings(value, convert) for value in data]
    if isinstance(data, tuple):
        return tuple(_map_strings(value, convert) for value in data)
    return convert(data)


def container_to_bytes(d, encoding="utf-8", errors="surrogate_or_strict"):
    """A copy of dicts, lists and tuples with all text in them as bytes."""

    def convert(value):
        return to_bytes(value, encoding, errors) if isinstance(value, str) else value

    return _map_strings(d, convert)


def container_to_text(d, encoding="utf-8", errors="surrogate_or_strict"):
    """A copy of dicts, lists and tuples with all bytes in them as text."""

    def convert(value):
        return to_text(value, encoding, errors) if isinstance(value, bytes) else value

    return _map_strings(d, convert)


# Modules written for Python 2 ask for it.
codecs.register_error("surrogate_or_strict", codecs.lookup_error("surrogateescape"))
codecs.register_error("surrogate_or_replace", codecs.lookup_error("surrogateescape"))
