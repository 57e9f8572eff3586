"""What modules that ran under Python 2 as well import of the library `six`; Python 3 alone here."""

import builtins as _builtins
import functools
import importlib
import io
import itertools  # noqa: F401
import operator
import sys
import types

PY2 = False
PY3 = True
PY34 = True
PY = sys.version_info

string_types = (str,)
integer_types = (int,)
class_types = (type,)
text_type = str
binary_type = bytes
MAXSIZE = sys.maxsize
StringIO = io.StringIO
BytesIO = io.BytesIO
Iterator = object
callable = _builtins.callable
next = advance_iterator = _builtins.next
wraps = functools.wraps
unichr = chr
print_ = print
exec_ = getattr(_builtins, "exec")
get_method_function = operator.attrgetter("__func__")
get_method_self = operator.attrgetter("__self__")
get_function_closure = operator.attrgetter("__closure__")
get_function_code = operator.attrgetter("__code__")
get_function_defaults = operator.attrgetter("__defaults__")
get_function_globals = operator.attrgetter("__globals__")
create_bound_method = types.MethodType
byte2int = operator.itemgetter(0)
indexbytes = operator.getitem
iterbytes = iter
int2byte = operator.methodcaller("to_bytes", 1, "big")
viewkeys = operator.methodcaller("keys")
viewvalues = operator.methodcaller("values")
viewitems = operator.methodcaller("items")


def iteritems(d, **kw):
    """Walks the items of a dict."""
    return iter(d.items(**kw))


def iterkeys(d, **kw):
    """Walks the keys of a dict."""
    return iter(d.keys(**kw))


def itervalues(d, **kw):
    """Walks the values of a dict."""
    return iter(d.values(**kw))


def iterlists(d, **kw):
    """Walks the lists of a dict that has several values for a key."""
    return iter(d.lists(**kw))


def get_unbound_function(unbound):
    """The function of a method of a class, which it is."""
    return unbound


def create_unbound_method(func, cls):
    """The method of a class, which a function is."""
    return func


def b(s):
    """Bytes of a literal."""
    return s.encode("latin-1")


def u(s):
    """Text of a literal."""
    return s


def ensure_binary(s, encoding="utf-8", errors="strict"):
    """Bytes, of bytes or text; TypeError for others."""
    if isinstance(s, bytes):
        return s
    if isinstance(s, str):
        return s.encode(encoding, errors)
    raise TypeError("not expecting type '%s'" % type(s))


def ensure_text(s, encoding="utf-8", errors="strict"):
    """Text, of bytes or text; TypeError for others."""
    if isinstance(s, bytes):
        return s.decode(encoding, errors)
    if isinstance(s, str):
        return s
    raise TypeError("not expecting type '%s'" % type(s))


ensure_str = ensure_text


def python_2_unicode_compatible(klass):
    """A class as it is."""
    return klass


def raise_from(value, from_value):
    """Raises an exception with its cause."""
    try:
        raise value from from_value
    finally:
        # No circle through this frame.
        value = None


def reraise(tp, value, tb=None):
    """Raises an exception, as if from where a traceback begins."""
    try:
        if value is None:
            value = tp()
        raise value.with_traceback(tb)
    finally:
        value = tb = None


def with_metaclass(meta, *bases):
    """A class to inherit from, whose heirs have a metaclass."""

    class Interim(type):
        """Makes the heir itself, without this class among its bases."""

        def __new__(mcs, name, own_bases, namespace):
            return meta(name, bases, namespace)

        @classmethod
        def __prepare__(mcs, name, own_bases):
            return meta.__prepare__(name, bases)

    return type.__new__(Interim, "interim", (), {})


def add_metaclass(metaclass):
    """Makes a class anew with a metaclass."""

    def remake(cls):
        namespace = dict(cls.__dict__)
        slots = namespace.get("__slots__", ())
        for name in [slots] if isinstance(slots, str) else slots:
            namespace.pop(name, None)
        namespace.pop("__dict__", None)
        namespace.pop("__weakref__", None)
        return metaclass(cls.__name__, cls.__bases__, namespace)

    return remake


def assertCountEqual(self, *args, **kwargs):
    """The method of a test case of that name."""
    return self.assertCountEqual(*args, **kwargs)


def assertRaisesRegex(self, *args, **kwargs):
    """The method of a test case of that name."""
    return self.assertRaisesRegex(*args, **kwargs)


def assertRegex(self, *args, **kwargs):
    """The method of a test case of that name."""
    return self.assertRegex(*args, **kwargs)


def assertNotRegex(self, *args, **kwargs):
    """The method of a test case of that name."""
    return self.assertNotRegex(*args, **kwargs)


# Modules that Python 3 calls otherwise, by what `six.moves` calls them.
_MODULES = {
    "BaseHTTPServer": "http.server",
    "CGIHTTPServer": "http.server",
    "SimpleHTTPServer": "http.server",
    "_dummy_thread": "_thread",
    "_thread": "_thread",
    "builtins": "builtins",
    "cPickle": "pickle",
    "collections_abc": "collections.abc",
    "configparser": "configparser",
    "copyreg": "copyreg",
    "dbm_gnu": "dbm.gnu",
    "dbm_ndbm": "dbm.ndbm",
    "email_mime_base": "email.mime.base",
    "email_mime_image": "email.mime.image",
    "email_mime_multipart": "email.mime.multipart",
    "email_mime_nonmultipart": "email.mime.nonmultipart",
    "email_mime_text": "email.mime.text",
    "html_entities": "html.entities",
    "html_parser": "html.parser",
    "http_client": "http.client",
    "http_cookiejar": "http.cookiejar",
    "http_cookies": "http.cookies",
    "queue": "queue",
    "reprlib": "reprlib",
    "socketserver": "socketserver",
    "tkinter": "tkinter",
    "urllib_error": "urllib.error",
    "urllib_parse": "urllib.parse",
    "urllib_robotparser": "urllib.robotparser",
    "xmlrpc_client": "xmlrpc.client",
    "xmlrpc_server": "xmlrpc.server",
}

# Functions and classes that have moved: the module and the name.
_NAMES = {
    "StringIO": ("io", "StringIO"),
    "UserDict": ("collections", "UserDict"),
    "UserList": ("collections", "UserList"),
    "UserString": ("collections", "UserString"),
    "cStringIO": ("io", "StringIO"),
    "filter": ("builtins", "filter"),
    "filterfalse": ("itertools", "filterfalse"),
    "getcwd": ("os", "getcwd"),
    "getcwdb": ("os", "getcwdb"),
    "getoutput": ("subprocess", "getoutput"),
    "input": ("builtins", "input"),
    "intern": ("sys", "intern"),
    "map": ("builtins", "map"),
    "range": ("builtins", "range"),
    "reduce": ("functools", "reduce"),
    "reload_module": ("importlib", "reload"),
    "shlex_quote": ("shlex", "quote"),
    "xrange": ("builtins", "range"),
    "zip": ("builtins", "zip"),
    "zip_longest": ("itertools", "zip_longest"),
}


class _Stand(types.ModuleType):
    """A module that stands for another one, or several, imported when something of them is used."""

    # What stands below it is in sys.modules already.
    __path__ = []

    def __init__(self, name, modules=(), names=None, below=None):
        super(_Stand, self).__init__(name)
        self._modules = modules
        self._names = names or {}
        self._below = below or {}
        sys.modules[name] = self

    def __getattr__(self, name):
        if name in self._below:
            return importlib.import_module(self._below[name])
        if name in self._names:
            module, attribute = self._names[name]
            return getattr(importlib.import_module(module), attribute)
        if name == "__all__" and not self._modules:
            return sorted(set(self._below) | set(self._names))
        for module in self._modules:
            try:
                return getattr(importlib.import_module(module), name)
            except AttributeError:
                continue
        raise AttributeError("module %r has no attribute %r" % (self.__name__, name))

    def __dir__(self):
        return sorted(set(self._below) | set(self._names))


def _set_up_moves():
    below = dict(_MODULES, urllib=__name__ + ".moves.urllib")
    moves = _Stand(__name__ + ".moves", names=_NAMES, below=below)
    for name, module in _MODULES.items():
        _Stand("%s.moves.%s" % (__name__, name), modules=(module,))
    parts = {
        "parse": ("urllib.parse",),
        "error": ("urllib.error",),
        "request": ("urllib.request", "urllib.parse"),
        "response": ("urllib.response",),
        "robotparser": ("urllib.robotparser",),
    }
    place = __name__ + ".moves.urllib"
    _Stand(place, below={name: "%s.%s" % (place, name) for name in parts})
    for name, modules in parts.items():
        _Stand("%s.%s" % (place, name), modules=modules)
    return moves


moves = _set_up_moves()


def add_move(move):
    """Has `six.moves` know one more name; `move` has a name, a module and perhaps an attribute."""
    attribute = getattr(move, "attr", None)
    if attribute:
        moves._names[move.name] = (move.mod, attribute)
    else:
        moves._below[move.name] = move.mod


def remove_move(name):
    """Has `six.moves` forget a name; AttributeError where it has none."""
    if moves._names.pop(name, None) is None and moves._below.pop(name, None) is None:
        raise AttributeError("no such move, %r" % (name,))


class MovedModule:
    """A module that has another name, for `add_move`."""

    def __init__(self, name, old, new=None):
        self.name = name
        self.mod = new or name


class MovedAttribute:
    """A name that has another module, for `add_move`."""

    def __init__(self, name, old_mod, new_mod, old_attr=None, new_attr=None):
        self.name = name
        self.mod = new_mod or name
        self.attr = new_attr or old_attr or name
