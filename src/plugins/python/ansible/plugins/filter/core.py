"""Ansible's filters as functions, which the controller does."""

from _trueup import work_now
from _trueup.jinja import Named, ask_native

# Functions whose names are not those of their filters.
_NAMES = {
    "dict_to_list_of_dict_key_value_elements": "dict2items",
    "list_of_dict_key_value_elements_to_dict": "items2dict",
    "get_encrypted_password": "password_hash",
    "get_hash": "hash",
    "rand": "random",
    "randomize_list": "shuffle",
    "to_bool": "bool",
    "strftime_": "strftime",
    "regex_replace": "regex_replace",
    "do_groupby": "groupby",
    "human_to_bytes": "human_to_bytes",
}
# Functions that take the environment or context first.
_SURROUNDED = ("extract", "do_groupby", "groupby", "rand", "random", "min", "max", "rekey_on_member_")


def _function(name):
    native = _NAMES.get(name, name)

    def function(*arguments, **named):
        if name in _SURROUNDED and arguments and hasattr(arguments[0], "call_filter"):
            arguments = arguments[1:]
        return ask_native(work_now(), "filter", native, arguments, named)

    function.__name__ = name
    return function


def __getattr__(name):
    if name.startswith("__"):
        raise AttributeError(name)
    if not work_now().ask("known", kind="filter", name=_NAMES.get(name, name)):
        raise AttributeError(name)
    return _function(name)


class FilterModule:
    """All of them."""

    def filters(self):
        return Named(work_now(), "filter")
