"""Dicts in camelCase and snake_case, merged, and compared."""

import re
from collections.abc import MutableMapping
from copy import deepcopy


def camel_dict_to_snake_dict(camel_dict, reversible=False, ignore_list=()):
    """A copy with keys in snake_case.

    `HTTPEndpoint` becomes `http_endpoint`, or `h_t_t_p_endpoint` where it has to be reversible.
    What is below the keys of `ignore_list` stays as it is.
    """

    def convert(value):
        if isinstance(value, dict):
            return camel_dict_to_snake_dict(value, reversible)
        if isinstance(value, list):
            return [convert(one) for one in value]
        return value

    snake = {}
    for name, value in camel_dict.items():
        is_kept = name in ignore_list
        snake[_camel_to_snake(name, reversible=reversible)] = value if is_kept else convert(value)
    return snake


def snake_dict_to_camel_dict(snake_dict, capitalize_first=False):
    """A copy with keys in camelCase, at all depths."""
    if isinstance(snake_dict, dict):
        return {
            _snake_to_camel(name, capitalize_first): snake_dict_to_camel_dict(
                value, capitalize_first
            )
            for name, value in snake_dict.items()
        }
    if isinstance(snake_dict, list):
        return [snake_dict_to_camel_dict(value, capitalize_first) for value in snake_dict]
    return snake_dict


def _snake_to_camel(snake, capitalize_first=False):
    first, *rest = snake.split("_")
    if capitalize_first:
        first = first.capitalize() or "_"
    return first + "".join(word.capitalize() or "_" for word in rest)


def _camel_to_snake(name, reversible=False):
    if reversible:
        words = re.sub("[A-Z]", lambda letter: "_" + letter.group().lower(), name)
        return words[1:] if words.startswith("_") and not name.startswith("_") else words
    # A plural of an abbreviation, as in `TargetGroupARNs`, is one word.
    words = re.sub("[A-Z]{3,}s$", lambda plural: "_" + plural.group().lower(), name)
    if words.startswith("_") and not name.startswith("_"):
        words = words[1:]
    words = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", words)
    return re.sub("([a-z0-9])([A-Z])", r"\1_\2", words).lower()


def dict_merge(a, b):
    """Both dicts, merged at all depths; what `b` says wins."""
    if not isinstance(b, dict):
        return b
    merged = deepcopy(a)
    for name, value in b.items():
        if name in merged and isinstance(merged[name], dict):
            merged[name] = dict_merge(merged[name], value)
        else:
            merged[name] = deepcopy(value)
    return merged


def recursive_diff(dict1, dict2):
    """What each dict has that the other has not or has otherwise, as a pair; None where they equal.

    Raises TypeError where one is no dict.
    """
    if not all(isinstance(one, MutableMapping) for one in (dict1, dict2)):
        raise TypeError(
            "Unable to diff 'dict1' %s and 'dict2' %s. Both must be a dictionary."
            % (type(dict1), type(dict2))
        )
    left = {name: dict1[name] for name in dict1 if name not in dict2}
    right = {name: dict2[name] for name in dict2 if name not in dict1}
    for name in dict1:
        if name not in dict2 or dict1[name] == dict2[name]:
            continue
        if isinstance(dict1[name], dict) and isinstance(dict2[name], dict):
            left[name], right[name] = recursive_diff(dict1[name], dict2[name])
        else:
            left[name], right[name] = dict1[name], dict2[name]
    return (left, right) if left or right else None
