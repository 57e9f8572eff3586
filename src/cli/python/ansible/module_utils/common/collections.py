"""Kinds of collections, and a dict that does not change."""

from collections.abc import Hashable, Mapping, MutableMapping, Sequence  # noqa: F401


class ImmutableDict(Hashable, Mapping):
    """A dict that keeps what it was made of; it is hashed by its items."""

    def __init__(self, *args, **kwargs):
        if len(args) == 1 and not kwargs and isinstance(args[0], ImmutableDict):
            self._items = args[0]._items
        else:
            self._items = dict(*args, **kwargs)

    def __getitem__(self, key):
        return self._items[key]

    def __iter__(self):
        return iter(self._items)

    def __len__(self):
        return len(self._items)

    def __hash__(self):
        return hash(frozenset(self.items()))

    def __eq__(self, other):
        try:
            return hash(self) == hash(other)
        except TypeError:
            # What does not hash changes, and so is not the same.
            return False

    def __repr__(self):
        return "ImmutableDict(%r)" % (self._items,)

    def union(self, overriding_mapping):
        """Both, the given one winning."""
        return ImmutableDict(self._items, **overriding_mapping)

    def difference(self, subtractive_iterable):
        """What is left without these keys."""
        gone = frozenset(subtractive_iterable)
        return ImmutableDict((key, self[key]) for key in self if key not in gone)


def is_string(seq):
    """Whether it is text or bytes."""
    return isinstance(seq, (str, bytes))


def is_iterable(seq, include_strings=False):
    """Whether it can be walked; texts count where they are asked for."""
    if is_string(seq) and not include_strings:
        return False
    try:
        iter(seq)
    except TypeError:
        return False
    return True


def is_sequence(seq, include_strings=False):
    """Whether it has an order and places; texts count where they are asked for."""
    if is_string(seq) and not include_strings:
        return False
    return isinstance(seq, Sequence)


def count(seq):
    """How often each element is there, as a dict."""
    if not is_iterable(seq):
        raise Exception("Argument provided  is not an iterable")
    counts = {}
    for element in seq:
        counts[element] = counts.get(element, 0) + 1
    return counts
