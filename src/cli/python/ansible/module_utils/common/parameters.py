"""The steps of checking arguments, by the names that modules know them by."""

import datetime  # noqa: F401
import os  # noqa: F401

from ansible.module_utils._trueup import arguments as _arguments
from ansible.module_utils._trueup.arguments import (  # noqa: F401
    TYPES as DEFAULT_TYPE_VALIDATORS,
)
from ansible.module_utils._trueup.arguments import (  # noqa: F401
    env_fallback,
    handle_aliases as _handle_aliases,
    list_deprecations as _list_deprecations,
    list_no_log_values as _list_no_log_values,
    set_defaults as _set_defaults,
    set_fallbacks,
)
from ansible.module_utils._trueup.masking import remove_values, sanitize_keys  # noqa: F401
from ansible.module_utils.errors import *  # noqa: F401,F403
from ansible.module_utils.errors import AnsibleFallbackNotFound  # noqa: F401
from ansible.module_utils.parsing.convert_bool import BOOLEANS_FALSE, BOOLEANS_TRUE  # noqa: F401

PY2 = False
PY3 = True
NoneType = type(None)
string_types = (str,)
integer_types = (int,)
text_type = str
binary_type = bytes

# Arguments of the controller: the module's attribute and what it is without them.
PASS_VARS = {
    "check_mode": ("check_mode", False),
    "debug": ("_debug", False),
    "diff": ("_diff", False),
    "ignore_unknown_opts": ("_ignore_unknown_opts", False),
    "keep_remote_files": ("_keep_remote_files", False),
    "module_name": ("_name", None),
    "no_log": ("no_log", False),
    "remote_tmp": ("_remote_tmp", None),
    "selinux_special_fs": ("_selinux_special_fs", ["fuse", "nfs", "vboxsf", "ramfs", "9p", "vfat"]),
    "shell_executable": ("_shell", "/bin/sh"),
    "socket": ("_socket_path", None),
    "string_conversion_action": ("_string_conversion_action", "warn"),
    "syslog_facility": ("_syslog_facility", "INFO"),
    "target_log_info": ("_target_log_info", None),
    "tmpdir": ("_tmpdir", None),
    "verbosity": ("_verbosity", 0),
    "version": ("ansible_version", "0.0"),
}
PASS_BOOLS = ("check_mode", "debug", "diff", "keep_remote_files", "ignore_unknown_opts", "no_log")


def _get_type_validator(wanted):
    """The function that makes a value of a type, and the type's name."""
    return _arguments.type_checker(wanted)


def _get_unsupported_parameters(
    argument_spec, parameters, legal_inputs=None, options_context=None, store_supported=None
):
    """Names that are in no specification, each with the way to it where there is one."""
    aliases = _handle_aliases(argument_spec, parameters)
    legal = set(legal_inputs) if legal_inputs is not None else set(argument_spec) | set(aliases)
    context = tuple(options_context or ())
    unknown = {
        ".".join(context + (name,)) if context else name
        for name in parameters
        if name not in legal
    }
    if unknown and store_supported is not None:
        for shown in _arguments.shown_names(argument_spec):
            if shown not in store_supported:
                store_supported.append(shown)
    return unknown
