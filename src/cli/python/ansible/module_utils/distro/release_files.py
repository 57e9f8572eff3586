"""The distribution as `/etc/os-release`, `/etc/debian_version` and others name it."""

import platform
import re
import shlex

_OS_RELEASE = ("/etc/os-release", "/usr/lib/os-release")
# IDs of os-release that are known by shorter ones.
_IDS = {"ol": "oracle", "opensuse-leap": "opensuse"}
# Where a distribution says its version more exactly.
_VERSION_FILES = (
    "/etc/debian_version",
    "/etc/redhat-release",
    "/etc/centos-release",
    "/etc/oracle-release",
    "/etc/system-release",
    "/etc/alpine-release",
)
_VERSION = re.compile(r"(\d+(?:\.\d+)*)")

_known = {}


def _read(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            return stream.read()
    except OSError:
        return ""


def os_release_info():
    """The fields of os-release, names in lower case."""
    if "os_release" not in _known:
        text = next((text for text in map(_read, _OS_RELEASE) if text), "")
        fields = {}
        for line in text.splitlines():
            words = []
            try:
                words = shlex.split(line, comments=True)
            except ValueError:
                continue
            for word in words:
                field, sign, value = word.partition("=")
                if sign:
                    fields[field.lower()] = value
        match = re.search(r"\((\w+)\)|, *(\w+)", fields.get("version", ""))
        codename = fields.get("version_codename") or fields.get("ubuntu_codename")
        if codename is None and match:
            codename = (match.group(1) or match.group(2)).lower()
        if codename is not None:
            fields["codename"] = codename
        _known["os_release"] = fields
    return dict(_known["os_release"])


def os_release_attr(attribute):
    """One field of os-release; empty where it is not there."""
    return os_release_info().get(attribute, "")


def lsb_release_info():
    """What /etc/lsb-release says, in lower case without its prefix."""
    fields = {}
    for line in _read("/etc/lsb-release").splitlines():
        field, sign, value = line.partition("=")
        if sign:
            short = field.lower().replace("distrib_", "").replace("id", "distributor_id")
            fields[short] = value.strip("\"'")
    return fields


def lsb_release_attr(attribute):
    """One of what /etc/lsb-release says."""
    return lsb_release_info().get(attribute, "")


def id():
    """The ID, in lower case: `debian`, `rhel`, `oracle`."""
    said = os_release_attr("id").lower().replace(" ", "_")
    if said:
        return _IDS.get(said, said)
    return platform.system().lower() if platform.system() != "Linux" else ""


def name(pretty=False):
    """The name, with its version where it shall be pretty."""
    if pretty:
        return os_release_attr("pretty_name") or " ".join(
            part for part in (os_release_attr("name"), version(pretty=True)) if part
        )
    return os_release_attr("name")


def version(pretty=False, best=False):
    """The version; with `best` the most exact one that some file has."""
    if platform.system() != "Linux":
        return platform.release()
    said = [os_release_attr("version_id")]
    if best:
        if id() == "debian" and _read("/etc/debian_version").strip():
            said.append(_read("/etc/debian_version").strip())
        elif id() in ("rhel", "centos", "oracle", "fedora", "rocky", "almalinux", "amzn"):
            for path in _VERSION_FILES:
                match = _VERSION.search(_read(path))
                if match:
                    said.append(match.group(1))
        match = _VERSION.search(os_release_attr("pretty_name"))
        if match:
            said.append(match.group(1))
    chosen = said[0]
    for one in said:
        if one.count(".") > chosen.count(".") or not chosen:
            chosen = one
    if pretty and chosen and codename():
        return "%s (%s)" % (chosen, codename())
    return chosen


def version_parts(best=False):
    """Major, minor and build number as a tuple of texts."""
    match = re.match(r"(\d+)\.?(\d+)?\.?(\d+)?", version(best=best))
    return tuple(part or "" for part in match.groups()) if match else ("", "", "")


def major_version(best=False):
    """The first number of the version."""
    return version_parts(best)[0]


def minor_version(best=False):
    """The second number of the version."""
    return version_parts(best)[1]


def build_number(best=False):
    """The third number of the version."""
    return version_parts(best)[2]


def like():
    """IDs of distributions that this one is like."""
    return os_release_attr("id_like")


def codename():
    """The codename of the version; empty where it has none."""
    return os_release_attr("codename") or lsb_release_attr("codename")


def linux_distribution(full_distribution_name=True):
    """Name (or ID), version and codename."""
    return name() if full_distribution_name else id(), version(), codename()


def info(pretty=False, best=False):
    """All of it as a dict."""
    major, minor, build = version_parts(best)
    return {
        "id": id(),
        "version": version(pretty, best),
        "version_parts": {"major": major, "minor": minor, "build_number": build},
        "like": like(),
        "codename": codename(),
    }

