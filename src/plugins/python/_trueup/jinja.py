"""Filters and tests."""

import collections.abc
import os
import sys
import types

_CLASSES = {"filter": "FilterModule", "test": "TestModule"}
_METHODS = {"filter": "filters", "test": "tests"}


class Verbs:
    def __init__(self, worker):
        self._worker = worker
        self._listed = {}

    def list(self, frame):
        """The names that a file has."""
        return [str(name) for name in self._functions(frame["kind"], frame["path"], frame.get("module"))]

    def call(self, frame):
        """Calls a filter or test of a file that was listed."""
        wire = self._worker.wire
        function = self._listed[frame["kind"], frame["path"]][frame["name"]]
        arguments = [wire.decode(value) for value in frame["a"]]
        named = {name: wire.decode(value) for name, value in frame["k"].items()}
        wanted = passed_first(function)
        if wanted:
            arguments.insert(0, surroundings(self._worker, wanted))
        return wire.encode(unrolled(function(*arguments, **named)))

    def _functions(self, kind, path, dotted):
        key = (kind, path)
        if key not in self._listed:
            module = self._worker.places.load(path, kind, dotted)
            made = getattr(module, _CLASSES[kind])()
            self._listed[key] = dict(getattr(made, _METHODS[kind])())
        return self._listed[key]


def passed_first(function):
    """What a filter or test wants before its value: its decorator says so."""
    wanted = getattr(function, "jinja_pass_arg", None)
    if wanted is not None:
        return getattr(wanted, "name", str(wanted))
    for mark, name in (
        ("contextfilter", "context"),
        ("contextfunction", "context"),
        ("evalcontextfilter", "eval_context"),
        ("evalcontextfunction", "eval_context"),
        ("environmentfilter", "environment"),
        ("environmentfunction", "environment"),
    ):
        if getattr(function, mark, False) is True:
            return name
    return None


def unrolled(value):
    """Iterators as the lists that Ansible makes of what filters return."""
    if isinstance(value, (types.GeneratorType, map, filter, zip, collections.abc.MappingView)):
        return list(value)
    return value


def surroundings(worker, wanted):
    context = Context(worker)
    if wanted == "context":
        return context
    if wanted == "eval_context":
        return EvalContext(context)
    return context.environment


class Context:
    """The variables that the template sees."""

    name = None
    blocks = {}

    def __init__(self, worker):
        self._worker = worker
        self.environment = environment(worker, self)
        self.eval_ctx = EvalContext(self)

    @property
    def parent(self):
        return self._worker.wire.decode({"~": "remote", "v": 0, "m": True, "t": "dict"})

    globals = parent

    @property
    def vars(self):
        """What the text has set at its top level."""
        return self._worker.ask_value("set by text")

    @property
    def exported_vars(self):
        return {name for name in self.vars if not name.startswith("_")}

    def resolve_or_missing(self, key, missing=None):
        answer = self._worker.channel.ask("item", of=0, key=key)
        from _trueup.wire import check

        check(answer)
        if "value" in answer:
            return self._worker.wire.decode(answer["value"])
        return missing

    def resolve(self, key):
        absent = object()
        found = self.resolve_or_missing(key, absent)
        if found is absent:
            return self._worker.wire.undefined("'%s' is undefined" % key, key)
        return found

    def get(self, key, default=None):
        absent = object()
        found = self.resolve_or_missing(key, absent)
        return default if found is absent else found

    def __getitem__(self, key):
        absent = object()
        found = self.resolve_or_missing(key, absent)
        if found is absent:
            raise KeyError(key)
        return found

    def __contains__(self, key):
        return key in self.parent

    def get_all(self):
        return self.parent

    def get_exported(self):
        return {name: value for name, value in self.vars.items() if not name.startswith("_")}

    def keys(self):
        return self.parent.keys()

    def values(self):
        return self.parent.values()

    def items(self):
        return self.parent.items()

    def __iter__(self):
        return iter(self.parent)

    def call(self, function, *arguments, **named):
        wanted = passed_first(function)
        if wanted:
            arguments = (surroundings(self._worker, wanted),) + arguments
        return function(*arguments, **named)


class EvalContext:
    autoescape = False
    volatile = False

    def __init__(self, context):
        self._context = context

    @property
    def environment(self):
        return self._context.environment


class Named(collections.abc.Mapping):
    """All filters or tests by name: the controller's and users' own."""

    def __init__(self, worker, kind):
        self._worker = worker
        self._kind = kind

    def __getitem__(self, name):
        if not self._worker.ask("known", kind=self._kind, name=name):
            raise KeyError(name)
        worker, kind = self._worker, self._kind

        def function(*arguments, **named):
            return ask_native(worker, kind, name, arguments, named)

        function.__name__ = name
        return function

    def __iter__(self):
        return iter(self._worker.ask("names", kind=self._kind))

    def __len__(self):
        return len(self._worker.ask("names", kind=self._kind))


def ask_native(worker, kind, name, arguments, named):
    wire = worker.wire
    return worker.ask_value(
        kind,
        name=name,
        a=[wire.encode(value) for value in arguments],
        k={key: wire.encode(value) for key, value in named.items()},
    )


_MADE = {}


def environment(worker, context=None):
    if "class" not in _MADE:
        _MADE["class"] = _environment_class()
    if "made" not in _MADE:
        _MADE["made"] = _MADE["class"]()
        _MADE["made"].filters = Named(worker, "filter")
        _MADE["made"].tests = Named(worker, "test")
        _MADE["made"].worker = worker
    return _MADE["made"]


def _environment_class():
    class Own:
        """The parts of Jinja2's environment that filters ask for."""

        def call_filter(self, name, value, args=None, kwargs=None, context=None, eval_ctx=None):
            return ask_native(self.worker, "filter", name, [value] + list(args or ()), kwargs or {})

        def call_test(self, name, value, args=None, kwargs=None, context=None, eval_ctx=None):
            return ask_native(self.worker, "test", name, [value] + list(args or ()), kwargs or {})

    try:
        from jinja2 import StrictUndefined
        from jinja2.nativetypes import NativeEnvironment
    except ImportError:
        return type("Environment", (Own, _Plain), {})
    made = type("AnsibleNativeEnvironment", (Own, NativeEnvironment), {})
    return lambda: made(undefined=StrictUndefined)


class _Plain:
    """Jinja2's environment where Jinja2 is not installed."""

    autoescape = False
    is_async = False
    sandboxed = False
    globals = {}

    def getitem(self, obj, argument):
        try:
            return obj[argument]
        except (AttributeError, TypeError, LookupError):
            if isinstance(argument, str) and hasattr(obj, argument):
                return getattr(obj, argument)
        return self.undefined(obj=obj, name=argument)

    def getattr(self, obj, attribute):
        if hasattr(obj, attribute):
            return getattr(obj, attribute)
        return self.getitem(obj, attribute)

    def undefined(self, hint=None, obj=None, name=None):
        if hint is None:
            hint = "%r has no attribute %r" % (type(obj).__name__, name)
        return self.worker.wire.undefined(hint, name)

    def from_string(self, source, globals=None, template_class=None):
        worker = self.worker

        class Template:
            @staticmethod
            def render(*others, **named):
                given = dict(*others, **named)
                return str(
                    worker.ask_value(
                        "template", value=source, vars=worker.wire.encode(given), text=True
                    )
                )

        return Template()
