"""Files as facts are read from, and sizes of file systems."""

import fcntl
import os


def get_file_content(path, default=None, strip=True):
    """The content of a file; the default where it cannot be read or is empty."""
    if not (os.path.exists(path) and os.access(path, os.R_OK)):
        return default
    try:
        with open(path) as stream:
            # Some files of /sys would have readers wait for ever.
            try:
                flags = fcntl.fcntl(stream.fileno(), fcntl.F_GETFL)
                fcntl.fcntl(stream.fileno(), fcntl.F_SETFL, flags | os.O_NONBLOCK)
            except OSError:
                pass
            content = stream.read()
    except Exception:
        return default
    content = content.strip() if strip else content
    return content if content else default


def get_file_lines(path, strip=True, line_sep=None):
    """The lines of a file, split at a separator; none where it cannot be read."""
    content = get_file_content(path, strip=strip)
    if not content:
        return []
    if line_sep is None:
        return content.splitlines()
    if len(line_sep) == 1:
        return content.rstrip(line_sep).split(line_sep)
    return content.split(line_sep)


def get_mount_size(mountpoint):
    """Sizes, blocks and inodes of a mounted file system; empty where it does not say."""
    try:
        status = os.statvfs(mountpoint)
    except OSError:
        return {}
    return {
        "size_total": status.f_frsize * status.f_blocks,
        "size_available": status.f_frsize * status.f_bavail,
        "block_size": status.f_bsize,
        "block_total": status.f_blocks,
        "block_available": status.f_bavail,
        "block_used": status.f_blocks - status.f_bavail,
        "inode_total": status.f_files,
        "inode_available": status.f_favail,
        "inode_used": status.f_files - status.f_favail,
    }
