"""Tests."""


def longer_than(value, count):
    return len(value) > count


def fails(value):
    raise ValueError("no test for %s" % value)


class TestModule(object):
    def tests(self):
        return {"longer_than": longer_than, "fails": fails}
