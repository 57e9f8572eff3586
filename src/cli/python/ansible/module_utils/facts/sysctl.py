"""What sysctl says."""

import re


def get_sysctl(module, prefixes):
    """Values of sysctl below some names, by name; lines that go on are joined."""
    program = module.get_bin_path("sysctl")
    if program is None:
        return {}
    try:
        status, output, _ = module.run_command([program] + list(prefixes))
    except OSError as error:
        module.warn("Unable to read sysctl: %s" % error)
        return {}
    found = {}
    if status != 0:
        return found
    key = None
    for line in output.splitlines():
        if not line.strip():
            continue
        if line.startswith(" ") and key is not None:
            found[key] += "\n" + line
            continue
        parts = re.split(r"\s?=\s?|: ", line, maxsplit=1)
        if len(parts) == 2:
            key = parts[0]
            found[key] = parts[1].strip()
        else:
            module.warn("Unable to split sysctl line (%s)" % line)
    return found
