"""Values of a type, and arguments that need or exclude each other."""

import decimal
import json
import os
import re
from ast import literal_eval

from ansible.module_utils.common.collections import is_iterable
from ansible.module_utils.common.text.converters import jsonify, to_native
from ansible.module_utils.common.text.formatters import human_to_bytes
from ansible.module_utils.common.warnings import deprecate
from ansible.module_utils.parsing.convert_bool import boolean


def count_terms(terms, parameters):
    """How many of some names (or of one) are among the arguments."""
    names = terms if is_iterable(terms) else [terms]
    return len(set(names).intersection(parameters))


def safe_eval(value, locals=None, include_exceptions=False):
    """The value of a Python literal; what is none stays text. Deprecated."""
    deprecate(
        "The safe_eval function should not be used.",
        version="2.21",
    )

    def answer(result, error=None):
        return (result, error) if include_exceptions else result

    if not isinstance(value, str) or re.search(r"\w\.\w+\(|import \w+", value):
        return answer(value)
    try:
        return answer(literal_eval(value))
    except Exception as error:
        return answer(value, error)


def _place(options_context):
    """Where in nested arguments something is."""
    return " found in %s" % " -> ".join(options_context) if options_context else ""


def _refuse(message, options_context):
    raise TypeError(to_native(message + _place(options_context)))


def check_mutually_exclusive(terms, parameters, options_context=None):
    """Raises TypeError where more than one of a group is there; gives the groups that broke it."""
    broken = [group for group in terms or () if count_terms(group, parameters) > 1]
    if broken:
        names = ", ".join("|".join(group) for group in broken)
        _refuse("parameters are mutually exclusive: %s" % names, options_context)
    return broken


def check_required_one_of(terms, parameters, options_context=None):
    """Raises TypeError where none of a group is there."""
    broken = []
    for group in terms or ():
        if count_terms(group, parameters) == 0:
            broken.append(group)
            _refuse("one of the following is required: %s" % ", ".join(group), options_context)
    return broken


def check_required_together(terms, parameters, options_context=None):
    """Raises TypeError where some of a group are there and others are not."""
    broken = []
    for group in terms or ():
        found = [count_terms(name, parameters) > 0 for name in group]
        if any(found) and not all(found):
            broken.append(group)
            _refuse("parameters are required together: %s" % ", ".join(group), options_context)
    return broken


def check_required_by(requirements, parameters, options_context=None):
    """Raises TypeError where an argument is there and one that it needs is not."""
    missing = {}
    for name, needed in (requirements or {}).items():
        if name not in parameters or parameters[name] is None:
            continue
        needed = [needed] if isinstance(needed, str) else needed
        lacking = [other for other in needed if parameters.get(other) is None]
        missing[name] = lacking
        if lacking:
            _refuse(
                "missing parameter(s) required by '%s': %s" % (name, ", ".join(lacking)),
                options_context,
            )
    return missing


def check_required_arguments(argument_spec, parameters, options_context=None):
    """Raises TypeError where a required argument is not there."""
    missing = [
        name
        for name, spec in (argument_spec or {}).items()
        if spec.get("required", False) and name not in parameters
    ]
    if missing:
        _refuse("missing required arguments: %s" % ", ".join(sorted(missing)), options_context)
    return missing


def check_required_if(requirements, parameters, options_context=None):
    """Raises TypeError where a value of an argument requires others that are not there.

    A requirement is `(name, value, needed)`, or with True behind it where one of them is enough.
    """
    results = []
    for requirement in requirements or ():
        name, value, needed = requirement[:3]
        one_is_enough = len(requirement) == 4 and requirement[3]
        if name not in parameters or parameters[name] != value:
            continue
        lacking = [other for other in needed if count_terms(other, parameters) == 0]
        limit = len(needed) if one_is_enough else 1
        if lacking and len(lacking) >= limit:
            report = {
                "missing": lacking,
                "requires": "any" if one_is_enough else "all",
                "parameter": name,
                "value": value,
                "requirements": needed,
            }
            results.append(report)
            message = "%s is %s but %s of the following are missing: %s" % (
                name,
                value,
                report["requires"],
                ", ".join(lacking),
            )
            _refuse(message, options_context)
    return results


def check_missing_parameters(parameters, required_parameters=None):
    """Raises TypeError where a named argument is not there or empty."""
    missing = [name for name in required_parameters or () if not parameters.get(name)]
    if missing:
        raise TypeError("missing required arguments: %s" % ", ".join(missing))
    return missing


def check_type_str(value, allow_conversion=True, param=None, prefix=""):
    """Text as it is, other values as text where that is allowed, or TypeError."""
    if isinstance(value, str):
        return value
    if allow_conversion and value is not None:
        return to_native(value, errors="surrogate_or_strict")
    raise TypeError(to_native("'%r' is not a string and conversion is not allowed" % (value,)))


def check_type_list(value):
    """A list; text is split at commas, numbers become texts. TypeError for others."""
    if isinstance(value, list):
        return value
    if isinstance(value, str):
        return value.split(",")
    if isinstance(value, (int, float)):
        return [str(value)]
    raise TypeError("%s cannot be converted to a list" % type(value))


def _split_pairs(text):
    """`a=1, b="2, 3"` as texts of pairs: split at commas and blanks outside of quotes."""
    fields, field = [], ""
    quote = None
    is_escaped = False
    for letter in text.strip():
        if is_escaped:
            field += letter
            is_escaped = False
        elif letter == "\\":
            is_escaped = True
        elif quote is None and letter in "'\"":
            quote = letter
        elif quote is not None and letter == quote:
            quote = None
        elif quote is None and letter in ", ":
            if field:
                fields.append(field.strip())
            field = ""
        else:
            field += letter
    if field.strip():
        fields.append(field.strip())
    return fields


def check_type_dict(value):
    """A dict; text may be JSON, a Python literal, or `a=1, b=2`. TypeError for others."""
    if isinstance(value, dict):
        return value
    if isinstance(value, str):
        if value.startswith("{"):
            try:
                return json.loads(value)
            except Exception:
                pass
            try:
                result = literal_eval(value)
            except Exception:
                raise TypeError("unable to evaluate string as dictionary")
            if not isinstance(result, dict):
                raise TypeError("unable to evaluate string as dictionary")
            return result
        if "=" in value:
            try:
                return dict(pair.split("=", 1) for pair in _split_pairs(value))
            except ValueError:
                raise TypeError(
                    'unable to evaluate string in the "key=value" format as dictionary'
                )
        raise TypeError("dictionary requested, could not parse JSON or key=value")
    raise TypeError("%s cannot be converted to a dict" % type(value))


def check_type_bool(value):
    """A truth; words and numbers that mean one, or TypeError."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str) or isinstance(value, (int, float)):
        return boolean(value)
    raise TypeError("%s cannot be converted to a bool" % type(value))


def check_type_int(value):
    """A whole number; its text, or TypeError."""
    if isinstance(value, int):
        return value
    refusal = TypeError('"%r" cannot be converted to an int' % (value,))
    if isinstance(value, str):
        try:
            return int(value)
        except ValueError:
            pass
    if not isinstance(value, (str, float)):
        raise refusal
    try:
        # `5.0` and `1e3` are whole numbers as well.
        exact = decimal.Decimal(value)
    except (decimal.DecimalException, ValueError):
        raise refusal
    if not exact.is_finite() or exact != int(exact):
        raise refusal
    return int(exact)


def check_type_float(value):
    """A number; its text, or TypeError."""
    if isinstance(value, float):
        return value
    if isinstance(value, (bytes, str, int)):
        try:
            return float(value)
        except ValueError:
            pass
    raise TypeError("%s cannot be converted to a float" % type(value))


def check_type_path(value):
    """Text with the home folder and variables of the environment put in."""
    return os.path.expanduser(os.path.expandvars(check_type_str(value)))


def check_type_raw(value):
    """The value as it is."""
    return value


def check_type_bytes(value):
    """A number of bytes, of text with a unit, or TypeError."""
    try:
        return human_to_bytes(value)
    except ValueError:
        raise TypeError("%s cannot be converted to a Byte value" % type(value))


def check_type_bits(value):
    """A number of bits, of text with a unit, or TypeError."""
    try:
        return human_to_bytes(value, isbits=True)
    except ValueError:
        raise TypeError("%s cannot be converted to a Bit value" % type(value))


def check_type_jsonarg(value):
    """Text of JSON: text without blanks around it, or a container as JSON; TypeError for others."""
    if isinstance(value, (str, bytes)):
        return value.strip()
    if isinstance(value, (list, tuple, dict)):
        return jsonify(value)
    raise TypeError("%s cannot be converted to a json string" % type(value))
