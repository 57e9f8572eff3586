"""Variables put together."""

from collections.abc import Mapping, MutableMapping, MutableSequence  # noqa: F401
import keyword

from ansible.errors import AnsibleError, AnsibleOptionsError  # noqa: F401


def _check(a, b):
    if not (isinstance(a, MutableMapping) and isinstance(b, MutableMapping)):
        raise AnsibleError(
            "failed to combine variables, expected dicts but got a '%s' and a '%s': \n%r\n%r"
            % (type(a).__name__, type(b).__name__, a, b)
        )


def combine_vars(a, b, merge=None):
    """Both, the second before the first; merged where `hash_behaviour` says so."""
    if merge is None:
        from ansible import constants

        merge = constants.DEFAULT_HASH_BEHAVIOUR == "merge"
    _check(a, b)
    return merge_hash(a, b) if merge else {**a, **b}


def merge_hash(x, y, recursive=True, list_merge="replace"):
    """Two dicts as one: dicts in both are merged, lists as `list_merge` says."""
    modes = ("replace", "keep", "append", "prepend", "append_rp", "prepend_rp")
    if list_merge not in modes:
        raise AnsibleError("merge_hash: 'list_merge' argument can only be equal to %s" % ", ".join(
            "'%s'" % mode for mode in modes))
    _check(x, y)
    if x == {} or x == y:
        return dict(y)
    if y == {}:
        return dict(x)
    made = dict(x)
    for key, new in y.items():
        if key not in made:
            made[key] = new
            continue
        old = made[key]
        if isinstance(old, MutableMapping) and isinstance(new, MutableMapping):
            made[key] = merge_hash(old, new, recursive, list_merge) if recursive else new
        elif isinstance(old, MutableSequence) and isinstance(new, MutableSequence):
            made[key] = _lists(old, new, list_merge)
        else:
            made[key] = new
    return made


def _lists(old, new, mode):
    if mode == "keep":
        return old
    if mode == "append":
        return old + new
    if mode == "prepend":
        return new + old
    if mode == "append_rp":
        return [item for item in old if item not in new] + new
    if mode == "prepend_rp":
        return new + [item for item in old if item not in new]
    return new


def isidentifier(ident):
    return isinstance(ident, str) and ident.isascii() and ident.isidentifier() and not keyword.iskeyword(ident)


def get_unique_id():
    import uuid

    return str(uuid.uuid4())


