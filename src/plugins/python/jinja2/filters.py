"""Jinja2's own filters, done by the controller: `do_NAME` is the filter NAME."""

import collections

from jinja2.runtime import Undefined  # noqa: F401
from jinja2.utils import (  # noqa: F401
    contextfilter,
    environmentfilter,
    evalcontextfilter,
    pass_context,
    pass_environment,
    pass_eval_context,
)

_WITH_SURROUNDINGS = (
    "groupby map max min reject rejectattr select selectattr sort sum unique first random "
    "attr dictsort_ join replace urlize xmlattr tojson"
).split()


def _ask(kind, name):
    def function(*arguments, **named):
        from _trueup import work_now
        from _trueup.jinja import ask_native

        if name in _WITH_SURROUNDINGS:
            arguments = arguments[1:]
        return ask_native(work_now(), kind, name, arguments, named)

    function.__name__ = "do_" + name
    return function


_GroupTuple = collections.namedtuple("_GroupTuple", ("grouper", "list"))


def do_groupby(environment, value, attribute, default=None, case_sensitive=False):
    groups = _ask("filter", "groupby")(environment, value, attribute, default, case_sensitive)
    return [_GroupTuple(*group) for group in groups]


def __getattr__(name):
    if name.startswith("do_"):
        return _ask("filter", name[3:])
    raise AttributeError(name)
