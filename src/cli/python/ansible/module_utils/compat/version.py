"""Versions that compare."""

import re


class Version:
    """A version of some form; the forms say how it is read and compared."""

    def __init__(self, vstring=None):
        if vstring:
            self.parse(vstring)

    def parse(self, vstring):
        """Reads a version."""
        raise NotImplementedError

    def _key(self):
        raise NotImplementedError

    def __repr__(self):
        return "%s ('%s')" % (self.__class__.__name__, str(self))

    def _cmp(self, other):
        """-1, 0 or 1, or NotImplemented for what is no version."""
        if isinstance(other, str):
            other = self.__class__(other)
        elif not isinstance(other, self.__class__):
            return NotImplemented
        mine, others = self._key(), other._key()
        if mine == others:
            return 0
        return -1 if mine < others else 1

    def _answers(self, other, accepted):
        order = self._cmp(other)
        return order if order is NotImplemented else order in accepted

    def __eq__(self, other):
        return self._answers(other, (0,))

    def __lt__(self, other):
        return self._answers(other, (-1,))

    def __le__(self, other):
        return self._answers(other, (-1, 0))

    def __gt__(self, other):
        return self._answers(other, (1,))

    def __ge__(self, other):
        return self._answers(other, (0, 1))


class StrictVersion(Version):
    """Two or three numbers, and perhaps `a` or `b` with a number: `1.2`, `1.2.3b1`."""

    version_re = re.compile(r"^(\d+)\.(\d+)(?:\.(\d+))?(?:([ab])(\d+))?$", re.ASCII)

    def parse(self, vstring):
        match = self.version_re.match(vstring)
        if not match:
            raise ValueError("invalid version number '%s'" % vstring)
        major, minor, patch, letter, number = match.groups()
        self.version = (int(major), int(minor), int(patch or 0))
        self.prerelease = (letter, int(number)) if letter else None

    def _key(self):
        # A final version comes behind those before it.
        return (self.version, self.prerelease or ("z", 0))

    def __str__(self):
        numbers = self.version[:2] if self.version[2] == 0 else self.version
        text = ".".join(str(number) for number in numbers)
        if self.prerelease:
            text += "%s%d" % self.prerelease
        return text


class LooseVersion(Version):
    """Numbers and words, in whatever order: they are compared one by one."""

    component_re = re.compile(r"(\d+|[a-z]+|\.)")

    def __init__(self, vstring=None):
        if vstring:
            self.parse(vstring)

    def parse(self, vstring):
        self.vstring = vstring
        parts = [part for part in self.component_re.split(vstring) if part and part != "."]
        self.version = [int(part) if _is_number(part) else part for part in parts]

    def _key(self):
        return self.version

    def __str__(self):
        return self.vstring

    def __repr__(self):
        return "LooseVersion ('%s')" % str(self)


def _is_number(text):
    try:
        int(text)
    except ValueError:
        return False
    return True
