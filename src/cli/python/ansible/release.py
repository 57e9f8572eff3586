"""The release of ansible-core whose interface is kept."""

from ansible.module_utils.ansible_release import (  # noqa: F401
    __author__,
    __codename__,
    __version__,
)
