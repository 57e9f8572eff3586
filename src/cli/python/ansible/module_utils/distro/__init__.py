"""What distribution this is, as the library `distro` tells it: from os-release and lsb_release.

Where the host's Python has that library, it is asked; what stands here is enough without it.
"""

try:
    from distro import *  # noqa: F401,F403
    from distro import (  # noqa: F401
        build_number,
        codename,
        id,
        info,
        like,
        linux_distribution,
        lsb_release_attr,
        lsb_release_info,
        major_version,
        minor_version,
        name,
        os_release_attr,
        os_release_info,
        version,
        version_parts,
    )
except ImportError:
    from ansible.module_utils.distro.release_files import (  # noqa: F401
        build_number,
        codename,
        id,
        info,
        like,
        linux_distribution,
        lsb_release_attr,
        lsb_release_info,
        major_version,
        minor_version,
        name,
        os_release_attr,
        os_release_info,
        version,
        version_parts,
    )
