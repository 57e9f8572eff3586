"""What the command line says."""

CLIARGS = {}


def cliargs_deferred_get(key, default=None, shallowcopy=False):
    import copy

    def inner():
        value = CLIARGS.get(key, default)
        return copy.copy(value) if shallowcopy else value

    return inner
