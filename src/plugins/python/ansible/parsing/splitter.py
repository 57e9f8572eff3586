"""Texts of `key=value`."""

from ansible.module_utils.splitter import split_args  # noqa: F401


def parse_kv(args, check_raw=False):
    from ansible.module_utils.splitter import unquote

    options, rest = {}, []
    for part in split_args(args or ""):
        key, equals, value = part.partition("=")
        if equals and key:
            options[key.strip()] = unquote(value.strip())
        else:
            rest.append(part)
    if rest:
        options["_raw_params"] = " ".join(rest)
    return options
