"""Numbers of bytes or bits with units, both ways."""

import re

_PREFIXES = "KMGTPEZY"

SIZE_RANGES = {letter: 1024 ** (at + 1) for at, letter in reversed(list(enumerate(_PREFIXES)))}
SIZE_RANGES["B"] = 1

_LONG_PREFIXES = {
    "K": "kilo",
    "M": "mega",
    "G": "giga",
    "T": "tera",
    "P": "peta",
    "E": "exa",
    "Z": "zeta",
    "Y": "yotta",
}

# For each letter the words and signs that mean it: those of bytes, those of bits.
VALID_UNITS = {"B": (("byte", "B"), ("bit", "b"))}
for _letter, _long in _LONG_PREFIXES.items():
    VALID_UNITS[_letter] = ((_long + "byte", _letter + "B"), (_long + "bit", _letter + "b"))

_NUMBER = re.compile(r"^([0-9]*\.?[0-9]+)(?:\s*([A-Za-z]+))?\s*$", re.ASCII)


def lenient_lowercase(lst):
    """A list in lower case, with what has no case as it is."""
    return [value.lower() if hasattr(value, "lower") else value for value in lst]


def human_to_bytes(number, default_unit=None, isbits=False):
    """Counts bytes (or bits) of a text such as `10M`, `1.5 GB` or `2048`.

    Units are powers of 1024. Raises ValueError where the text or its unit means nothing.
    """
    match = _NUMBER.match(str(number))
    if match is None:
        raise ValueError(
            "human_to_bytes() can't interpret following string: %s" % (str(number))
        )
    try:
        amount = float(match.group(1))
    except ValueError:
        raise ValueError(
            "human_to_bytes() can't interpret following number: %s (original input string: %s)"
            % (match.group(1), number)
        )
    unit = match.group(2) or default_unit
    if unit is None:
        return int(round(amount))
    letter = unit[0].upper()
    if letter not in SIZE_RANGES:
        raise ValueError(
            "human_to_bytes() failed to convert %s (unit = %s). The suffix must be one of %s"
            % (number, unit, ", ".join(SIZE_RANGES.keys()))
        )
    long, short = VALID_UNITS[letter][1 if isbits else 0]
    if len(unit) > 1 and unit != short and unit.lower() != long:
        raise ValueError(
            "human_to_bytes() failed to convert %s. Value is not a valid string (expect %s or %s)"
            % (number, short, long if letter == "B" else letter)
        )
    return int(round(amount * SIZE_RANGES[letter]))


def bytes_to_human(size, isbits=False, unit=None):
    """Writes a number of bytes (or bits) with the largest unit that it fills, or a given one."""
    name = "bits" if isbits else "Bytes"
    chosen, limit = "B", 1
    for letter, factor in SIZE_RANGES.items():
        if unit is None and size >= factor or unit is not None and unit.upper() == letter:
            chosen, limit = letter, factor
            break
    if limit != 1:
        name = chosen + name[0]
    return "%.2f %s" % (size / limit, name)
