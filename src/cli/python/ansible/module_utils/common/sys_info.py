"""What system this is."""

import platform

from ansible.module_utils.common._utils import get_all_subclasses

__all__ = ("get_distribution", "get_distribution_version", "get_platform_subclass")

# Names of distributions that modules know by another one than their IDs.
_NAMES = {"Amzn": "Amazon", "Rhel": "Redhat"}
# Distributions whose files say a version more exactly than os-release does.
_PRECISE = ("centos", "debian")


def _distro():
    # Few modules ask, and those that do not shall start quickly.
    from ansible.module_utils import distro

    return distro


def get_distribution():
    """The name of the distribution: `Debian`, `Redhat`, `Amazon`; of other systems their name."""
    name = _distro().id().capitalize()
    if platform.system() != "Linux":
        return name
    return _NAMES.get(name, name) or "OtherLinux"


def get_distribution_version():
    """The version of the distribution; empty where it is not known."""
    distro = _distro()
    version = distro.version()
    if version is None:
        return ""
    if distro.id() not in _PRECISE:
        return version
    best = distro.version(best=True)
    # Only major and minor.
    return ".".join(best.split(".")[:2]) if distro.id() == "centos" else best


def get_distribution_codename():
    """The codename of the distribution's version, or None."""
    if platform.system() != "Linux":
        return None
    distro = _distro()
    said = distro.os_release_info()
    for name in ("version_codename", "ubuntu_codename"):
        if said.get(name):
            return said[name]
    return None if distro.id() == "debian" else distro.codename() or None


def get_platform_subclass(cls):
    """The class below a class that is for this platform and distribution, or the class itself.

    Classes say so by their attributes `platform` and `distribution`; the more precise one wins.
    """
    system, distribution = platform.system(), get_distribution()
    chosen = cls
    for one in get_all_subclasses(cls):
        if one.platform != system:
            continue
        if one.distribution is not None and one.distribution == distribution:
            return one
        if one.distribution is None:
            chosen = one
    return chosen
