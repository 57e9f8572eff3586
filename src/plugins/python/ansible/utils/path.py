"""Paths."""

import os

from ansible.module_utils.common.text.converters import to_text


def unfrackpath(path, follow=True, basedir=None):
    """The path in full: `~`, variables of the environment, links."""
    path = os.path.expandvars(os.path.expanduser(to_text(path)))
    if not os.path.isabs(path):
        base = to_text(basedir or os.getcwd())
        if os.path.isfile(base):
            base = os.path.dirname(base)
        path = os.path.join(base, path)
    return os.path.normpath(os.path.realpath(path) if follow else path)


def makedirs_safe(path, mode=None):
    from ansible.errors import AnsibleError

    try:
        os.makedirs(unfrackpath(path), *([] if mode is None else [mode]), exist_ok=True)
    except OSError as error:
        raise AnsibleError("Unable to create local directories (%s): %s" % (path, error))


def basedir(source):
    source = to_text(source)
    if os.path.isdir(source):
        return os.path.abspath(source)
    if source in (None, "", "."):
        return os.getcwd()
    return os.path.abspath(os.path.dirname(source))


def is_subpath(child, parent, real=False):
    child = unfrackpath(child, follow=False)
    parent = unfrackpath(parent, follow=False)
    if real:
        child, parent = os.path.realpath(child), os.path.realpath(parent)
    return os.path.commonpath([child, parent]) == parent
