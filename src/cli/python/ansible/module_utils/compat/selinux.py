"""The functions of libselinux that modules use, without its bindings.

Importing raises ImportError where the host has no libselinux.
"""

import os
from ctypes import CDLL, POINTER, byref, c_char_p, c_int, c_void_p, cast, get_errno

from ansible.module_utils.common.text.converters import to_bytes, to_native

try:
    _library = CDLL("libselinux.so.1", use_errno=True)
except OSError:
    raise ImportError("unable to load libselinux.so")


def _checked(result, function, arguments):
    """Raises OSError where a function has failed."""
    if result < 0:
        number = get_errno()
        raise OSError(number, os.strerror(number))
    return result


def _declare(name, arguments, is_checked=True):
    function = getattr(_library, name)
    function.argtypes = arguments
    function.restype = c_int
    if is_checked:
        function.errcheck = _checked
    return function


try:
    is_selinux_enabled = _declare("is_selinux_enabled", [], False)
    is_selinux_mls_enabled = _declare("is_selinux_mls_enabled", [], False)
    security_policyvers = _declare("security_policyvers", [], False)
    security_getenforce = _declare("security_getenforce", [])
    _lsetfilecon = _declare("lsetfilecon", [c_char_p, c_char_p])
    _getenforcemode = _declare("selinux_getenforcemode", [POINTER(c_int)])
    _getpolicytype = _declare("selinux_getpolicytype", [POINTER(c_void_p)])
    _lgetfilecon_raw = _declare("lgetfilecon_raw", [c_char_p, POINTER(c_void_p)])
    _matchpathcon = _declare("matchpathcon", [c_char_p, c_int, POINTER(c_void_p)])
    _freecon = _library.freecon
    _freecon.argtypes = [c_void_p]
    _freecon.restype = None
except AttributeError as error:
    raise ImportError("libselinux lacks a function: %s" % error)


def _taken(pointer):
    """The text that the library has made, which it is given back."""
    text = to_native(cast(pointer, c_char_p).value)
    _freecon(pointer)
    return text


def lsetfilecon(path, context):
    """Sets the context of a file; raises OSError."""
    return _lsetfilecon(to_bytes(path), to_bytes(context))


def selinux_getenforcemode():
    """The mode that is configured, as `[status, mode]`."""
    mode = c_int()
    return [_getenforcemode(byref(mode)), mode.value]


def selinux_getpolicytype():
    """The policy that is configured, as `[status, name]`."""
    pointer = c_void_p()
    status = _getpolicytype(byref(pointer))
    return [status, _taken(pointer)]


def lgetfilecon_raw(path):
    """The context of a file, as `[status, context]`; raises OSError."""
    pointer = c_void_p()
    status = _lgetfilecon_raw(to_bytes(path), byref(pointer))
    return [status, _taken(pointer)]


def matchpathcon(path, mode):
    """The context that the policy has for a path, as `[status, context]`; raises OSError."""
    pointer = c_void_p()
    status = _matchpathcon(to_bytes(path), mode, byref(pointer))
    return [status, _taken(pointer)]
