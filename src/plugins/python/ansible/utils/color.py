"""Colours, where the screen shows them."""

ANSIBLE_COLOR = False


def parsecolor(color):
    from _trueup.screen import painted

    return painted("", color)[2:].partition("m")[0]


def stringc(text, color, wrap_nonvisible_chars=False):
    from _trueup.screen import painted

    return painted(text, color) if ANSIBLE_COLOR and color else text


def colorize(lead, num, color):
    """A count with its name, in colour where there is something to count."""
    text = "%s=%-4s" % (lead, num)
    return stringc(text, color) if num != 0 and color is not None else text


def hostcolor(host, stats, color=True):
    """The name of a host, as wide as a column of the recap."""
    from ansible import constants as C

    if not (ANSIBLE_COLOR and color):
        return "%-26s" % host
    if stats["failures"] or stats["unreachable"]:
        tone = C.COLOR_ERROR
    else:
        tone = C.COLOR_CHANGED if stats["changed"] else C.COLOR_OK
    return "%-37s" % stringc(host, tone)
