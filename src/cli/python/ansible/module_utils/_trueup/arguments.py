"""An argument specification applied to the arguments of a task, step by step.

Each step works on one level of arguments. `check_level` takes them in order and goes down into
the arguments below arguments; a `Report` gathers what is found on the way.
"""

import os
from copy import deepcopy

from ansible.module_utils.common import validation
from ansible.module_utils.common.collections import is_iterable
from ansible.module_utils.common.text.converters import to_native
from ansible.module_utils.errors import (
    AliasError,
    AnsibleFallbackNotFound,
    AnsibleValidationErrorMultiple,
    ArgumentTypeError,
    ArgumentValueError,
    ElementError,
    MutuallyExclusiveError,
    NoLogError,
    RequiredByError,
    RequiredDefaultError,
    RequiredError,
    RequiredIfError,
    RequiredOneOfError,
    RequiredTogetherError,
    SubParameterTypeError,
    UnsupportedError,
)
from ansible.module_utils.parsing.convert_bool import BOOLEANS_FALSE, BOOLEANS_TRUE

from ansible.module_utils._trueup.masking import name_secrets

TYPES = {
    "str": validation.check_type_str,
    "list": validation.check_type_list,
    "dict": validation.check_type_dict,
    "bool": validation.check_type_bool,
    "int": validation.check_type_int,
    "float": validation.check_type_float,
    "path": validation.check_type_path,
    "raw": validation.check_type_raw,
    "jsonarg": validation.check_type_jsonarg,
    "json": validation.check_type_jsonarg,
    "bytes": validation.check_type_bytes,
    "bits": validation.check_type_bits,
}

# Rules between arguments, by the name that a specification gives them, in the order of checking.
RULES = (
    ("required_together", validation.check_required_together, RequiredTogetherError),
    ("required_one_of", validation.check_required_one_of, RequiredOneOfError),
    ("required_if", validation.check_required_if, RequiredIfError),
    ("required_by", validation.check_required_by, RequiredByError),
)


def env_fallback(*args, **kwargs):
    """The first of some variables of the environment that is there."""
    for name in args:
        if name in os.environ:
            return os.environ[name]
    raise AnsibleFallbackNotFound


class Report:
    """What is found while arguments are checked."""

    def __init__(self):
        self.errors = AnsibleValidationErrorMultiple()
        self.no_log_values = set()
        # Each a tuple of names from the top.
        self.unsupported = set()
        # For each of them, the names and the aliases that are known where it stands.
        self.supported = {}
        self.deprecations = []
        self.alias_warnings = []
        self.alias_deprecations = []


def type_checker(wanted):
    """The function that makes a value of a type, and the type's name.

    A specification gives a name, a function, or nothing, which is text.
    """
    if callable(wanted):
        return wanted, getattr(wanted, "__name__", str(wanted))
    name = "str" if wanted is None else wanted
    return TYPES.get(name), name


def set_fallbacks(argument_spec, parameters):
    """Sets arguments that are missing from their fallbacks; returns the secrets among them."""
    secrets = set()
    for name, spec in argument_spec.items():
        fallback = spec.get("fallback", (None,))
        source, given, named = fallback[0], [], {}
        if name in parameters or source is None:
            continue
        for part in fallback[1:]:
            if isinstance(part, dict):
                named = part
            else:
                given = part
        try:
            value = source(*given, **named)
        except AnsibleFallbackNotFound:
            continue
        if spec.get("no_log", False) and value:
            secrets.update(_secrets_of(value))
        parameters[name] = value
    return secrets


def handle_aliases(argument_spec, parameters, alias_warnings=None, alias_deprecations=None):
    """Gives arguments the names that they are known by; returns names by alias.

    Raises ValueError for a required argument with a default, TypeError for aliases that are no
    list.
    """
    names = {}
    for name, spec in argument_spec.items():
        aliases = spec.get("aliases", None)
        if aliases is None:
            aliases = []
        if spec.get("default", None) is not None and spec.get("required", False):
            raise ValueError(
                "internal error: required and default are mutually exclusive for %s" % name
            )
        if not is_iterable(aliases) or isinstance(aliases, (str, bytes)):
            raise TypeError("internal error: aliases must be a list or tuple")
        for notice in spec.get("deprecated_aliases", None) or []:
            if notice["name"] in parameters and alias_deprecations is not None:
                alias_deprecations.append(notice)
        for alias in aliases:
            names[alias] = name
            if alias in parameters:
                if name in parameters and alias_warnings is not None:
                    alias_warnings.append((name, alias))
                parameters[name] = parameters[alias]
    return names


def _secrets_of(value):
    return set(name_secrets(value))


def list_no_log_values(argument_spec, params, found=None):
    """The secrets among arguments, at all depths, as a set of texts.

    Raises TypeError for what is of another kind than it is said to be; `found`, where it is given,
    has the secrets beside that.
    """
    secrets = set() if found is None else found
    wrong = None
    for name, spec in argument_spec.items():
        value = params.get(name)
        try:
            if spec.get("no_log", False) and value:
                secrets.update(_secrets_of(value))
        except TypeError as error:
            wrong = wrong or TypeError("Failed to convert \"%s\": %s" % (name, error))
        below = spec.get("options")
        if below is None or value is None:
            continue
        kind = spec.get("type")
        if not (kind == "dict" or kind == "list" and spec.get("elements", "") == "dict"):
            continue
        for level in value if isinstance(value, list) else [value]:
            try:
                if isinstance(level, (str, bytes)):
                    level = validation.check_type_dict(to_native(level))
                if not isinstance(level, dict):
                    raise TypeError(
                        "Value '%s' in the sub parameter field '%s' must be a %s, not '%s'"
                        % (level, name, kind, type(level).__name__)
                    )
                list_no_log_values(below, level, secrets)
            except TypeError as error:
                wrong = wrong or error
    if wrong is not None:
        raise wrong
    return secrets


def list_deprecations(argument_spec, parameters, prefix=""):
    """Arguments and values in use that are going to be gone, as dicts for `deprecate`."""
    notices = []
    for name, spec in argument_spec.items():
        if name not in parameters:
            continue
        shown = '%s["%s"]' % (prefix, name) if prefix else name
        collection = spec.get("removed_from_collection")
        message = (
            "Param '%s' is deprecated. See the module docs for more information" % shown
        )
        if spec.get("removed_at_date") is not None:
            notices.append(
                {"msg": message, "date": spec["removed_at_date"], "collection_name": collection}
            )
        elif spec.get("removed_in_version") is not None:
            notices.append(
                {
                    "msg": message,
                    "version": spec["removed_in_version"],
                    "collection_name": collection,
                }
            )
        below = spec.get("options")
        if below is None:
            continue
        value = parameters[name]
        if isinstance(value, dict):
            notices.extend(list_deprecations(below, value, shown))
        elif isinstance(value, list):
            for level in value:
                if isinstance(level, dict):
                    notices.extend(list_deprecations(below, level, shown))
    return notices


def set_defaults(argument_spec, parameters, set_default=True):
    """Sets arguments that are missing: to their defaults, or where asked for to None as well.

    Returns the secrets among the defaults.
    """
    secrets = set()
    for name, spec in argument_spec.items():
        default = spec.get("default", None)
        if name in parameters:
            continue
        if default is not None:
            if spec.get("no_log", False):
                secrets.update(_secrets_of(default))
            parameters[name] = default
        elif set_default:
            parameters[name] = None
    return secrets


def unsupported_names(argument_spec, parameters, aliases, context=()):
    """Names that are in no specification, each with the way to it."""
    known = set(argument_spec) | set(aliases)
    return {tuple(context) + (name,) for name in parameters if name not in known}


def shown_names(argument_spec):
    """The names of a specification with their aliases, for people."""
    names = []
    for name, spec in sorted(argument_spec.items()):
        aliases = sorted(spec.get("aliases") or [])
        names.append("%s (%s)" % (name, ", ".join(aliases)) if aliases else name)
    return names


def convert_elements(wanted, name, values, context, errors):
    """The elements of a list, each made of a type; what cannot be is an error of its own."""
    convert, shown = type_checker(wanted)
    converted = []
    for value in values:
        try:
            if convert is validation.check_type_str and isinstance(wanted, str):
                converted.append(convert(value, param=name))
            else:
                converted.append(convert(value))
        except (AttributeError, TypeError, ValueError) as error:
            place = " found in '%s'" % " -> ".join(context) if context else ""
            errors.append(
                ElementError(
                    "Elements value for option '%s'%s is of type %s and we were unable to"
                    " convert to %s: %s" % (name, place, type(value), shown, to_native(error))
                )
            )
    return converted


def convert_types(argument_spec, parameters, prefix, context, errors):
    """Makes all arguments of their types."""
    for name, spec in argument_spec.items():
        if name not in parameters:
            continue
        value = parameters[name]
        if value is None and not spec.get("required") and spec.get("default") is None:
            continue
        wanted = spec.get("type")
        convert, shown = type_checker(wanted)
        place = " found in '%s'." % " -> ".join(context) if context else ""
        if convert is None:
            errors.append(
                ArgumentTypeError(
                    "implementation error: unknown type %s requested for %s" % (shown, name)
                )
            )
            continue
        try:
            parameters[name] = convert(value)
        except (TypeError, ValueError) as error:
            message = "argument '%s' is of type %s%s and we were unable to convert to %s: %s" % (
                name,
                type(value),
                place,
                shown,
                to_native(error),
            )
            errors.append(ArgumentTypeError(message))
            continue
        elements = spec.get("elements", None)
        if elements is None:
            continue
        if wanted != "list" or not isinstance(parameters[name], list):
            message = "Invalid type %s for option '%s'" % (wanted, parameters[name])
            if context:
                message += " found in '%s'." % " -> ".join(context)
            message += ", elements value check is supported only with 'list' type"
            errors.append(ArgumentTypeError(message))
            continue
        parameters[name] = convert_elements(elements, name, parameters[name], context, errors)


def _choice(value, choices):
    """A value as the choices have it, where it is one of them, or is a truth that YAML made of it.

    `yes` written without quotes is True to YAML, and so `True` stands for the one choice that
    means true.
    """
    if value in choices:
        return value, True
    for word, group in (("False", BOOLEANS_FALSE), ("True", BOOLEANS_TRUE)):
        if value == word:
            meant = group.intersection(choices)
            if len(meant) == 1:
                return next(iter(meant)), True
    return value, False


def check_choices(argument_spec, parameters, context, errors):
    """Holds values to the choices of their arguments."""
    for name, spec in argument_spec.items():
        choices = spec.get("choices")
        if choices is None:
            continue
        place = " found in %s" % " -> ".join(context) if context else ""
        if not isinstance(choices, (frozenset, list, tuple)) and not hasattr(choices, "__iter__"):
            errors.append(
                ArgumentTypeError(
                    "internal error: choices for argument %s are not iterable: %s"
                    % (name, choices)
                )
            )
            continue
        if isinstance(choices, (str, bytes)):
            errors.append(
                ArgumentTypeError(
                    "internal error: choices for argument %s are not iterable: %s"
                    % (name, choices)
                )
            )
            continue
        if name not in parameters:
            continue
        value = parameters[name]
        listed = ", ".join(to_native(choice) for choice in choices)
        if isinstance(value, list):
            wrong = [one for one in value if one not in choices]
            if wrong:
                message = "value of %s must be one or more of: %s. Got no match for: %s%s" % (
                    name,
                    listed,
                    ", ".join(to_native(one) for one in wrong),
                    place,
                )
                errors.append(ArgumentValueError(message))
            continue
        parameters[name], is_one = _choice(value, choices)
        if not is_one:
            message = "value of %s must be one of: %s, got: %s%s" % (name, listed, value, place)
            errors.append(ArgumentValueError(message))


def check_rule(rule, error_type, terms, parameters, context, errors):
    """Applies one rule between arguments."""
    try:
        rule(terms, parameters, context)
    except TypeError as error:
        errors.append(error_type(to_native(error)))


def check_below(argument_spec, parameters, prefix, context, report):
    """Checks arguments that are dicts, or lists of them, against their own specifications."""
    for name, spec in argument_spec.items():
        kind = spec.get("type")
        is_list = kind == "list" and spec.get("elements", "") == "dict"
        if not (kind == "dict" or is_list):
            continue
        below = spec.get("options")
        if spec.get("apply_defaults", False):
            if below is None:
                continue
            if parameters.get(name) is None:
                parameters[name] = {}
        elif below is None or parameters.get(name) is None:
            continue
        inner = context + [name]
        levels = parameters[name] if is_list else [parameters[name]]
        if not isinstance(levels, list):
            levels = [levels]
        for at, level in enumerate(levels):
            if not isinstance(level, dict):
                report.errors.append(
                    SubParameterTypeError(
                        "value of '%s' must be of type dict or list of dicts" % name
                    )
                )
                continue
            way = "%s%s" % (prefix, name) if prefix else name
            if is_list:
                way = "%s[%d]" % (way, at)
            rules = {rule: spec.get(rule) for rule, _, _ in RULES}
            rules["mutually_exclusive"] = spec.get("mutually_exclusive")
            check_level(below, level, rules, report, way + ".", inner)


def check_level(argument_spec, parameters, rules, report, prefix="", context=()):
    """Checks one level of arguments and those below it, and sets what they leave out."""
    context = list(context)
    errors = report.errors
    is_top = not context
    report.no_log_values.update(set_fallbacks(argument_spec, parameters))
    aliases = {}
    alias_warnings, alias_deprecations = [], []
    try:
        aliases = handle_aliases(argument_spec, parameters, alias_warnings, alias_deprecations)
    except ValueError as error:
        errors.append(RequiredDefaultError(to_native(error)))
    except TypeError as error:
        errors.append(AliasError(to_native(error)))
    report.alias_warnings.extend(
        (prefix + name, prefix + alias) for name, alias in alias_warnings
    )
    for notice in alias_deprecations:
        report.alias_deprecations.append((prefix, notice))
    try:
        list_no_log_values(argument_spec, parameters, report.no_log_values)
    except TypeError as error:
        errors.append(NoLogError(to_native(error)))
    unknown = unsupported_names(argument_spec, parameters, aliases, context)
    if unknown:
        report.unsupported.update(unknown)
        for name in unknown:
            report.supported[name] = (list(argument_spec), list(aliases))
    check_rule(
        validation.check_mutually_exclusive,
        MutuallyExclusiveError,
        rules.get("mutually_exclusive"),
        parameters,
        context,
        errors,
    )
    if is_top:
        report.deprecations.extend(list_deprecations(argument_spec, parameters))
    report.no_log_values.update(set_defaults(argument_spec, parameters, False))
    check_rule(
        validation.check_required_arguments,
        RequiredError,
        argument_spec,
        parameters,
        context,
        errors,
    )
    convert_types(argument_spec, parameters, prefix, context, errors)
    check_choices(argument_spec, parameters, context, errors)
    for name, rule, error_type in RULES:
        check_rule(rule, error_type, rules.get(name), parameters, context, errors)
    report.no_log_values.update(set_defaults(argument_spec, parameters, True))
    check_below(argument_spec, parameters, prefix, context, report)


def check(argument_spec, parameters, rules):
    """A copy of the arguments, checked, with a report. The arguments themselves stay."""
    report = Report()
    checked = deepcopy(parameters)
    check_level(argument_spec, checked, rules, report)
    if report.unsupported:
        unknown = sorted(report.unsupported)
        names, aliases = report.supported[unknown[-1]]
        message = "%s. Supported parameters include: %s" % (
            ", ".join(sorted(".".join(name) for name in unknown)),
            ", ".join(sorted(names)),
        )
        if aliases:
            message += " (%s)" % ", ".join(sorted(aliases))
        report.errors.append(UnsupportedError(message + "."))
    return checked, report
