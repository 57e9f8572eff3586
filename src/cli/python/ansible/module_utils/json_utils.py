"""JSON among other output."""


def _filter_non_json_lines(data, objects_only=False):
    """Finds JSON in output; returns it, and warnings about what is behind it.

    It starts with the first line that starts with `{` (or `[`), and ends with the last one that
    ends with the bracket that closes it. Raises ValueError where there is no such line.
    """
    openers = ("{",) if objects_only else ("{", "[")
    lines = data.splitlines()
    start = next(
        (at for at, line in enumerate(lines) if line.strip().startswith(openers)), None
    )
    if start is None:
        raise ValueError("No start of json char found")
    lines = lines[start:]
    closer = "}" if lines[0].strip().startswith("{") else "]"
    end = next(
        (at for at in reversed(range(len(lines))) if lines[at].strip().endswith(closer)), None
    )
    if end is None:
        raise ValueError("No end of json char found")
    warnings = []
    junk = "\n".join(lines[end + 1 :])
    if junk.strip():
        warnings.append("Module invocation had junk after the JSON data: %s" % junk)
    return "\n".join(lines[: end + 1]), warnings
