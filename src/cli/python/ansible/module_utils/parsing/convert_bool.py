"""What counts as true and what as false."""

from ansible.module_utils.common.text.converters import to_text

BOOLEANS_TRUE = frozenset(("y", "yes", "on", "1", "true", "t", 1, 1.0, True))
BOOLEANS_FALSE = frozenset(("n", "no", "off", "0", "false", "f", 0, 0.0, False))
BOOLEANS = BOOLEANS_TRUE | BOOLEANS_FALSE


def boolean(value, strict=True):
    """The truth of a value. What is neither true nor false raises TypeError, or is false where not
    strict."""
    if isinstance(value, bool):
        return value
    folded = to_text(value, errors="surrogate_or_strict").lower().strip() if isinstance(
        value, (str, bytes)
    ) else value
    if folded in BOOLEANS_TRUE:
        return True
    if folded in BOOLEANS_FALSE or not strict:
        return False
    raise TypeError(
        "The value '%s' is not a valid boolean.  Valid booleans include: %s"
        % (to_text(value), ", ".join(repr(known) for known in BOOLEANS))
    )
