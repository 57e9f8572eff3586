"""Exceptions that plugins raise."""

from ansible.module_utils.common.text.converters import to_text


class AnsibleError(Exception):
    """The root of them: a message, and what led to it."""

    def __init__(
        self, message="", obj=None, show_content=True, suppress_extended_error=False, orig_exc=None, **_more
    ):
        super().__init__(message)
        self._message = to_text(message)
        self._show_content = show_content
        self._suppress_extended_error = suppress_extended_error
        self.obj = obj
        self.orig_exc = orig_exc

    @property
    def message(self):
        if self.orig_exc is not None:
            return "%s. %s" % (self._message, to_text(self.orig_exc))
        return self._message

    @message.setter
    def message(self, value):
        self._message = value

    def __str__(self):
        return self.message

    def __repr__(self):
        return self.message


def _below(parent, *names):
    for name in names:
        made = type(name, (parent,), {"__module__": __name__})
        globals()[name] = made
        __all__.append(name)


__all__ = ["AnsibleError"]

_below(
    AnsibleError,
    "AnsibleCollectionUnsupportedVersionError",
    "AnsibleInternalError",
    "AnsibleOptionsError",
    "AnsibleParserError",
    "AnsiblePluginError",
    "AnsibleRuntimeError",
    "AnsibleTemplateError",
)
_below(AnsibleOptionsError, "AnsibleRequiredOptionError")  # noqa: F821
_below(AnsibleParserError, "AnsibleYAMLValidationFailed")  # noqa: F821
_below(
    AnsibleRuntimeError,  # noqa: F821
    "AnsibleAuthenticationFailure",
    "AnsibleCallbackError",
    "AnsibleConnectionFailure",
    "AnsibleLookupError",
    "AnsibleModuleError",
    "AnsibleUndefinedVariable",
    "AnsibleVariableTypeError",
)
_below(AnsibleTemplateError, "AnsibleFilterError")  # noqa: F821
_below(AnsibleFilterError, "AnsibleFilterTypeError")  # noqa: F821
_below(
    AnsiblePluginError,  # noqa: F821
    "AnsiblePluginCircularRedirect",
    "AnsiblePluginNotFound",
    "AnsiblePluginRemovedError",
)


class AnsibleAssertionError(AnsibleError, AssertionError):
    """What ought to hold does not."""


class AnsibleFileNotFound(AnsibleRuntimeError):  # noqa: F821
    """A file that is in none of the places."""

    def __init__(self, message="", obj=None, show_content=True, suppress_extended_error=False, orig_exc=None, paths=None, file_name=None):  # noqa: E501
        self.file_name = file_name
        self.paths = paths
        if message:
            message += "\n"
        if file_name:
            message += "Could not find or access '%s'" % to_text(file_name)
        else:
            message += "Could not find file"
        if paths:
            if not isinstance(paths, str):
                paths = "\n\t".join(to_text(path) for path in paths)
            message += "\nSearched in:\n\t%s" % paths
        super().__init__(message, obj, show_content, suppress_extended_error, orig_exc)


class AnsibleAction(AnsibleRuntimeError):  # noqa: F821
    """How an action ends otherwise than by returning."""

    def __init__(self, message="", obj=None, show_content=True, suppress_extended_error=False, orig_exc=None, result=None):  # noqa: E501
        super().__init__(message, obj, show_content, suppress_extended_error, orig_exc)
        self.result = result or {}


class AnsibleActionFail(AnsibleAction):
    def __init__(self, message="", obj=None, show_content=True, suppress_extended_error=False, orig_exc=None, result=None):  # noqa: E501
        super().__init__(message, obj, show_content, suppress_extended_error, orig_exc, result)
        self.result.update({"failed": True, "msg": message})


class AnsibleActionSkip(AnsibleAction):
    def __init__(self, message="", obj=None, show_content=True, suppress_extended_error=False, orig_exc=None, result=None):  # noqa: E501
        super().__init__(message, obj, show_content, suppress_extended_error, orig_exc, result)
        self.result.update({"skipped": True, "msg": message})


class AnsibleActionDone(AnsibleAction):
    """The action has done all there is to do."""
