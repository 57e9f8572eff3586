"""What plugins say: on standard error, where it cannot be taken for output."""

import os
import sys

from ansible.module_utils.common.text.converters import to_text


class _Single(type):
    _made = None

    def __call__(cls, *arguments, **named):
        if cls._made is None:
            cls._made = super().__call__(*arguments, **named)
        return cls._made


def _verbosity():
    from _trueup import work_now

    return work_now().places.verbosity


def _colour(name):
    from ansible import constants

    return getattr(constants, name)


def get_text_width(text):
    """How many columns a text takes."""
    import unicodedata

    if not isinstance(text, str):
        raise TypeError("get_text_width requires text, not %s" % type(text))
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    return len(text) + wide - sum(unicodedata.combining(c) != 0 for c in text)


class Display(metaclass=_Single):
    """One for all."""

    columns = 79
    b_cowsay = None

    def __init__(self, verbosity=0):
        self._told = set()

    @property
    def verbosity(self):
        return _verbosity()

    def display(self, msg, color=None, stderr=False, screen_only=False, log_only=False, newline=True, caplevel=None):
        if log_only:
            return
        sys.stderr.write(to_text(msg) + ("\n" if newline else ""))
        sys.stderr.flush()

    def _once(self, text, color=None):
        if text not in self._told:
            self._told.add(text)
            self.display(text, color=color and _colour(color), stderr=True)

    def warning(self, msg, formatted=False, help_text=None, **_more):
        self._once("[WARNING]: %s" % to_text(msg), "COLOR_WARN")

    def deprecated(self, msg, version=None, removed=False, date=None, collection_name=None, **_more):
        if removed:
            from ansible.errors import AnsibleError

            raise AnsibleError("[DEPRECATED]: %s" % to_text(msg))
        if os.environ.get("ANSIBLE_DEPRECATION_WARNINGS", "1").lower() not in ("0", "false", "no"):
            self._once("[DEPRECATION WARNING]: %s" % to_text(msg), "COLOR_DEPRECATE")

    def error(self, msg, wrap_text=True, stderr=True):
        self._once("ERROR! %s" % to_text(msg), "COLOR_ERROR")

    def banner(self, msg, color=None, cows=True):
        text = to_text(msg)
        self.display("\n%s %s" % (text, "*" * max(3, self.columns - len(text))))

    def verbose(self, msg, host=None, caplevel=2):
        if self.verbosity > caplevel:
            text = to_text(msg) if host is None else "<%s> %s" % (host, to_text(msg))
            self.display(text, color=_colour("COLOR_VERBOSE"))

    def v(self, msg, host=None):
        self.verbose(msg, host, 0)

    def vv(self, msg, host=None):
        self.verbose(msg, host, 1)

    def vvv(self, msg, host=None):
        self.verbose(msg, host, 2)

    def vvvv(self, msg, host=None):
        self.verbose(msg, host, 3)

    def vvvvv(self, msg, host=None):
        self.verbose(msg, host, 4)

    def vvvvvv(self, msg, host=None):
        self.verbose(msg, host, 5)

    def debug(self, msg, host=None):
        pass

    def system_warning(self, msg):
        self.warning(msg)

    def get_deprecation_message(self, msg, version=None, removed=False, date=None, collection_name=None):
        return to_text(msg)
