"""Filters of every kind of value."""

import collections
import datetime
import sys

from ansible.errors import AnsibleFilterError, AnsibleFilterTypeError
from ansible.module_utils.common.text.converters import to_text
from ansible.plugins.filter.core import combine
from jinja2 import pass_context, pass_environment
from jinja2.filters import do_groupby


def module_of(value):
    return __name__


def kind_of(value):
    print("what plugins print is not what they say")
    for kind in (bool, int, float, str, bytes, dict, list, tuple):
        if isinstance(value, kind):
            return kind.__name__
    return type(value).__name__


def kinds_of(values):
    return [kind_of(value) for value in values]


def greet(name, greeting="hello", *others, **named):
    return "%s %s%s%s" % (greeting, name, list(others), sorted(named.items()))


def numbered(values):
    for at, value in enumerate(values):
        yield "%d=%s" % (at, value)


def pairs(mapping):
    return sorted(mapping.items())


def by_number(values):
    return {at: value for at, value in enumerate(values)}


def entries(mapping):
    return mapping.items()


def refuses(value):
    raise AnsibleFilterError("%s is not wanted" % value)


def refuses_type(value):
    raise AnsibleFilterTypeError("not %s" % type(value).__name__)


def divides(value):
    return value / 0


def ends(value):
    sys.exit(3)


def nothing(value):
    return None


def big(value):
    return 2 ** 70 + value


def inner_set(values):
    return sorted(set(values))


def moment(value):
    return datetime.datetime(2024, 2, 29, 12, 30) + datetime.timedelta(days=value)


def counted(values):
    return collections.Counter(values)


def upper_text(value):
    return to_text(value).upper()


def merged(value, other):
    return combine(value, other)


@pass_context
def in_context(context, name):
    return [context.get(name, "none"), name in context, context.resolve(name)]


@pass_context
def seen_in_context(context, name):
    names = sorted(context.vars), sorted(context.get_exported()), sorted(context.exported_vars)
    return [context.get(name, "none"), name in context, [list(own) for own in names]]


@pass_context
def of_hostvars(context, name):
    return {host: context["hostvars"][host][name] for host in context["groups"]["all"]}


@pass_environment
def by_environment(environment, value):
    return environment.call_filter("upper", value) + environment.filters["lower"]("ABC")


@pass_environment
def grouped(environment, values, attribute):
    return [[group.grouper, len(group.list)] for group in do_groupby(environment, values, attribute)]


def or_else(value, other):
    return other


def hosts_of(hostvars, name):
    return [hostvars[host][name] for host in sorted(hostvars) if name in hostvars[host]]


class FilterModule(object):
    def filters(self):
        return {
            "module_of": module_of,
            "kind_of": kind_of,
            "kinds_of": kinds_of,
            "greet": greet,
            "numbered": numbered,
            "pairs": pairs,
            "by_number": by_number,
            "entries": entries,
            "refuses": refuses,
            "refuses_type": refuses_type,
            "divides": divides,
            "ends": ends,
            "nothing": nothing,
            "big": big,
            "inner_set": inner_set,
            "moment": moment,
            "counted": counted,
            "upper_text": upper_text,
            "merged": merged,
            "in_context": in_context,
            "seen_in_context": seen_in_context,
            "of_hostvars": of_hostvars,
            "by_environment": by_environment,
            "grouped": grouped,
            "or_else": or_else,
            "hosts_of": hosts_of,
            # Ansible has one of this name, which this one hides.
            "splitext": lambda value: "hidden %s" % value,
        }
