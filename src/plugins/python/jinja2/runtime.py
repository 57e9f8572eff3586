"""Undefined values."""

from jinja2.exceptions import UndefinedError


class _Missing:
    def __repr__(self):
        return "missing"


missing = _Missing()


def _failing(self, *_arguments, **_named):
    self._fail_with_undefined_error()


class Undefined:
    """A value that is missing: empty where it is written, an error elsewhere."""

    __slots__ = ("_undefined_hint", "_undefined_obj", "_undefined_name", "_undefined_exception")

    def __init__(self, hint=None, obj=missing, name=None, exc=UndefinedError):
        self._undefined_hint = hint
        self._undefined_obj = obj
        self._undefined_name = name
        self._undefined_exception = exc

    @property
    def _undefined_message(self):
        if self._undefined_hint:
            return self._undefined_hint
        if self._undefined_obj is missing:
            return "%r is undefined" % (self._undefined_name,)
        owner = type(self._undefined_obj).__name__
        return "%r has no attribute %r" % (owner + " object", self._undefined_name)

    def _fail_with_undefined_error(self, *_arguments, **_named):
        raise self._undefined_exception(self._undefined_message)

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        self._fail_with_undefined_error()

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = _failing
    __truediv__ = __rtruediv__ = __floordiv__ = __rfloordiv__ = _failing
    __mod__ = __rmod__ = __pos__ = __neg__ = __call__ = __getitem__ = _failing
    __lt__ = __le__ = __gt__ = __ge__ = __int__ = __float__ = __complex__ = _failing
    __pow__ = __rpow__ = _failing

    def __eq__(self, other):
        return type(self) is type(other)

    def __ne__(self, other):
        return not self == other

    def __hash__(self):
        return id(type(self))

    def __str__(self):
        return ""

    def __len__(self):
        return 0

    def __iter__(self):
        return iter(())

    def __bool__(self):
        return False

    def __repr__(self):
        return "Undefined"


class ChainableUndefined(Undefined):
    __slots__ = ()

    def __getattr__(self, _name):
        return self

    def __getitem__(self, _key):
        return self


class DebugUndefined(Undefined):
    __slots__ = ()

    def __str__(self):
        return "{{ %s }}" % (self._undefined_hint or self._undefined_name)


class StrictUndefined(Undefined):
    """An error wherever it is used."""

    __iter__ = __str__ = __len__ = _failing
    __eq__ = __ne__ = __bool__ = __hash__ = _failing
    __contains__ = _failing


class Context:
    """For checks of types alone."""
