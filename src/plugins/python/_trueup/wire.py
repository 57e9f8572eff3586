"""Values on their way: JSON, with a mark (`~`) on what JSON has no word for."""

import base64
import collections.abc
import datetime
import math
import types

MARK = "~"
INT_MAX = 2 ** 63

# Objects that only this side can hold, by the number that the controller knows them by.
_held = {}
_next = [1]

_LAZY = (
    types.GeneratorType,
    map,
    filter,
    zip,
    range,
    reversed,
    enumerate,
    collections.abc.KeysView,
    collections.abc.ValuesView,
    collections.abc.ItemsView,
)


class OmitText(str):
    """What `omit` is: a text that nobody writes."""


class UnsafeText(str):
    """A text from outside of the playbook, where Ansible itself is not installed."""

    __UNSAFE__ = True

    def _strip_unsafe(self):
        return str.__str__(self)


class VaultText(str):
    """A text that was decrypted, which still knows its encrypted form."""

    __ENCRYPTED__ = True
    ciphertext = ""

    @property
    def data(self):
        return str(self)


class Wire:
    """Encodes and decodes for one channel."""

    def __init__(self, channel):
        self.channel = channel
        self._undefined = None
        self._unsafe = None

    # From the controller.

    def decode(self, sent):
        kind = type(sent)
        if kind is list:
            return [self.decode(item) for item in sent]
        if kind is dict:
            if MARK in sent:
                return self._decode_marked(sent)
            return {key: self.decode(value) for key, value in sent.items()}
        return sent

    def _decode_marked(self, sent):
        mark, value = sent[MARK], sent.get("v")
        if mark == "unsafe":
            return self.unsafe_class()(value)
        if mark == "tuple":
            return tuple(self.decode(item) for item in value)
        if mark == "dict":
            return {self.decode(key): self.decode(item) for key, item in value}
        if mark == "remote":
            if sent.get("m"):
                return RemoteMapping(self, value, sent.get("t"))
            return RemoteObject(self, value, sent.get("t"))
        if mark == "held":
            return _held[value]
        if mark == "undefined":
            return self.undefined(value, sent.get("n"))
        if mark == "int":
            return int(value)
        if mark == "float":
            return float(value)
        if mark == "bytes":
            return base64.b64decode(value)
        if mark == "moment":
            return datetime.datetime.fromisoformat(value)
        if mark == "day":
            return datetime.date.fromisoformat(value)
        if mark == "omit":
            return OmitText(value)
        if mark == "vault":
            text = VaultText(value)
            text.ciphertext = sent.get("c", "")
            return text
        raise ValueError("the mark %r is not known" % mark)

    def unsafe_class(self):
        if self._unsafe is None:
            try:
                from ansible.utils.unsafe_proxy import AnsibleUnsafeText as found
            except ImportError:
                found = UnsafeText
            self._unsafe = found
        return self._unsafe

    def undefined(self, hint, name=None):
        if self._undefined is None:
            from ansible.template import AnsibleUndefined

            self._undefined = AnsibleUndefined
        return self._undefined(hint=hint, name=name)

    # To the controller.

    def encode(self, value):
        kind = type(value)
        if value is None or kind is bool or kind is str:
            return value
        if kind is int:
            return value if -INT_MAX <= value < INT_MAX else {MARK: "int", "v": str(value)}
        if kind is float:
            return value if math.isfinite(value) else {MARK: "float", "v": repr(value)}
        if kind is list:
            return [self.encode(item) for item in value]
        if kind is dict:
            return self._encode_entries(value.items())
        if kind is tuple:
            return {MARK: "tuple", "v": [self.encode(item) for item in value]}
        return self._encode_other(value)

    def _encode_entries(self, entries):
        entries = list(entries)
        if all(type(key) is str and key != MARK for key, _item in entries):
            return {key: self.encode(item) for key, item in entries}
        return {MARK: "dict", "v": [[self.encode(k), self.encode(v)] for k, v in entries]}

    def _encode_other(self, value):
        if is_undefined(value):
            return {MARK: "undefined", "v": undefined_message(value)}
        if isinstance(value, RemoteMapping):
            return {MARK: "remote", "v": value._remote_id}
        if isinstance(value, RemoteObject):
            return {MARK: "remote", "v": object.__getattribute__(value, "_remote_id")}
        if isinstance(value, str):
            if isinstance(value, OmitText):
                return {MARK: "omit", "v": str(value)}
            if isinstance(value, VaultText):
                return {MARK: "vault", "v": str.__str__(value), "c": value.ciphertext}
            text = str.__str__(value)
            return {MARK: "unsafe", "v": text} if getattr(value, "__UNSAFE__", False) else text
        if isinstance(value, int):
            return self.encode(int(value))
        if isinstance(value, float):
            return self.encode(float(value))
        if isinstance(value, (bytes, bytearray, memoryview)):
            return {MARK: "bytes", "v": base64.b64encode(bytes(value)).decode("ascii")}
        if hasattr(value, "_ciphertext") and hasattr(value, "data"):
            return str(value)
        if isinstance(value, collections.abc.Mapping):
            return self._encode_entries(value.items())
        if isinstance(value, tuple):
            return {MARK: "tuple", "v": [self.encode(item) for item in value]}
        if isinstance(value, (list, set, frozenset, collections.deque) + _LAZY):
            return [self.encode(item) for item in value]
        if isinstance(value, collections.abc.Iterator):
            return [self.encode(item) for item in value]
        if isinstance(value, datetime.datetime):
            return {MARK: "moment", "v": value.isoformat()}
        if isinstance(value, datetime.date):
            return {MARK: "day", "v": value.isoformat()}
        number = _next[0]
        _next[0] += 1
        _held[number] = value
        return {MARK: "held", "v": number, "t": type(value).__name__, "s": _written(value)}


def _written(value):
    try:
        return str(value)
    except Exception as error:  # its own fault, which must not hide what it is
        return "<%s: %s>" % (type(value).__name__, error)


def release(numbers):
    for number in numbers:
        _held.pop(number, None)


def held(number):
    return _held[number]


def is_undefined(value):
    return any(cls.__name__ == "Undefined" for cls in type(value).__mro__)


def undefined_message(value):
    return getattr(value, "_undefined_message", None) or "%r is undefined" % (
        getattr(value, "_undefined_name", None),
    )


_ABSENT = object()


class RemoteMapping(dict):
    """A mapping of the controller's, of which only what is looked at travels."""

    def __init__(self, wire, number, kind=None):
        dict.__init__(self)
        self._wire = wire
        self._remote_id = number
        self._kind = kind
        self._local = {}
        self._removed = set()

    def _fetch(self, key, default=_ABSENT):
        if key in self._removed:
            found = _ABSENT
        elif key in self._local:
            return self._local[key]
        else:
            answer = self._wire.channel.ask(
                "item", of=self._remote_id, key=self._wire.encode(key)
            )
            check(answer)
            found = self._wire.decode(answer["value"]) if "value" in answer else _ABSENT
            if found is not _ABSENT:
                self._local[key] = found
                return found
        if default is _ABSENT:
            raise KeyError(key)
        return default

    def __getitem__(self, key):
        return self._fetch(key)

    def get(self, key, default=None):
        return self._fetch(key, default)

    def __contains__(self, key):
        if key in self._removed:
            return False
        if key in self._local:
            return True
        answer = self._wire.channel.ask("has", of=self._remote_id, key=self._wire.encode(key))
        check(answer)
        return answer["value"]

    def __setitem__(self, key, value):
        self._removed.discard(key)
        self._local[key] = value

    def __delitem__(self, key):
        if key not in self:
            raise KeyError(key)
        self._local.pop(key, None)
        self._removed.add(key)

    def pop(self, key, default=_ABSENT):
        found = self._fetch(key, default)
        self._local.pop(key, None)
        self._removed.add(key)
        return found

    def setdefault(self, key, default=None):
        if key not in self:
            self[key] = default
        return self[key]

    def update(self, *others, **named):
        for key, value in dict(*others, **named).items():
            self[key] = value

    def __iter__(self):
        answer = self._wire.channel.ask("keys", of=self._remote_id)
        check(answer)
        there = [key for key in self._wire.decode(answer["value"]) if key not in self._removed]
        known = set(there)
        return iter(there + [key for key in self._local if key not in known])

    def keys(self):
        return collections.abc.KeysView(self)

    def values(self):
        return collections.abc.ValuesView(self)

    def items(self):
        return collections.abc.ItemsView(self)

    def __len__(self):
        return sum(1 for _key in self)

    def __bool__(self):
        return len(self) > 0

    def copy(self):
        return dict(self.items())

    __copy__ = copy

    def __deepcopy__(self, memo):
        return self.copy()

    def __eq__(self, other):
        return self.copy() == (other.copy() if isinstance(other, RemoteMapping) else other)

    def __ne__(self, other):
        return not self == other

    __hash__ = None

    def __or__(self, other):
        return {**self.copy(), **other}

    def __ror__(self, other):
        return {**other, **self.copy()}

    def __repr__(self):
        return repr(self.copy())

    def __reduce__(self):
        return dict, (self.copy(),)


class RemoteObject:
    """Something else of the controller's: a macro, a cycler, a module of a template."""

    def __init__(self, wire, number, kind=None):
        object.__setattr__(self, "_wire", wire)
        object.__setattr__(self, "_remote_id", number)
        object.__setattr__(self, "_kind", kind)

    def _ask(self, what, **said):
        wire = object.__getattribute__(self, "_wire")
        number = object.__getattribute__(self, "_remote_id")
        answer = wire.channel.ask(what, of=number, **said)
        check(answer)
        return answer

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        wire = object.__getattribute__(self, "_wire")
        answer = self._ask("item", key=name)
        if "value" not in answer:
            raise AttributeError(name)
        return wire.decode(answer["value"])

    def __call__(self, *arguments, **named):
        wire = object.__getattribute__(self, "_wire")
        answer = self._ask(
            "invoke", a=[wire.encode(x) for x in arguments], k={k: wire.encode(v) for k, v in named.items()}
        )
        return wire.decode(answer["value"])

    def __str__(self):
        return self._ask("text")["value"]


def check(answer):
    """Raises what went wrong on the controller's side."""
    if "wrong" not in answer:
        return
    from ansible import errors

    known = {
        "undefined": errors.AnsibleUndefinedVariable,
        "type": TypeError,
        "lookup": errors.AnsibleLookupError,
        "file": errors.AnsibleFileNotFound,
    }
    raise known.get(answer.get("kind"), errors.AnsibleError)(answer["wrong"])
