"""Names that are not in quotes."""


def unquoted(value):
    return "unquoted %s" % value


class FilterModule(object):
    def filters(self):
        return dict(unquoted=unquoted)
