"""Owners, modes, attributes and SELinux contexts of files, as modules set them."""

import errno
import grp
import os
import pwd
import stat
import traceback

from ansible.module_utils._trueup import modes
from ansible.module_utils.common.file import format_attributes
from ansible.module_utils.common.text.converters import to_bytes, to_native, to_text

# What `load_file_common_arguments` gives, besides the path and the SELinux context.
_OWN_NAMES = ("mode", "owner", "group")
_CONTEXT_NAMES = ("seuser", "serole", "setype", "selevel")


def _expand(path, is_expanded):
    path = to_bytes(path, errors="surrogate_or_strict")
    return os.path.expanduser(os.path.expandvars(path)) if is_expanded else path


def _note(diff, name, before, after):
    """Writes a difference into what is shown of it."""
    if diff is not None:
        diff.setdefault("before", {})[name] = before
        diff.setdefault("after", {})[name] = after


class FileAttributes:
    """The part of a module that reads and sets what files have besides their content."""

    def load_file_common_arguments(self, params, path=None):
        """The arguments that say how a file shall be, for `set_fs_attributes_if_different`.

        Without a path, `path` or `dest` of the arguments; an empty dict where there is none.
        """
        if path is None:
            path = params.get("path", params.get("dest", None))
        if path is None:
            return {}
        path = os.path.expanduser(os.path.expandvars(path))
        real = to_bytes(path, errors="surrogate_or_strict")
        # Through a link, unless links themselves are meant.
        if params.get("follow", False) and os.path.islink(real):
            path = os.path.realpath(path)
        arguments = {"path": path}
        arguments.update((name, params.get(name, None)) for name in _OWN_NAMES)
        wanted = [params.get(name, None) for name in _CONTEXT_NAMES[:3]]
        if self.selinux_mls_enabled():
            wanted.append(params.get("selevel", None))
        default = self.selinux_default_context(path)
        for at, part in enumerate(wanted):
            if part == "_default":
                wanted[at] = default[at]
        arguments.update((name, params.get(name, None)) for name in _CONTEXT_NAMES)
        arguments["secontext"] = wanted
        arguments["attributes"] = params.get("attributes", None)
        return arguments

    def user_and_group(self, path, expand=True):
        """The numbers of a file's owner and group; of a link itself."""
        status = os.lstat(_expand(path, expand))
        return status.st_uid, status.st_gid

    def find_mount_point(self, path):
        """Where the file system of a path is mounted."""
        path = os.path.realpath(_expand(path, True))
        while not os.path.ismount(path):
            path = os.path.dirname(path)
        return to_text(path, errors="surrogate_or_strict")

    def _is_foretold(self, path):
        """Whether a file is missing that a check run would have made."""
        return self.check_file_absent_if_check_mode(path)

    def check_file_absent_if_check_mode(self, file_path):
        """Whether this is a check run and a file is not there."""
        return self.check_mode and not os.path.exists(file_path)

    def _number_of(self, name, look_up, kind):
        try:
            return int(name)
        except ValueError:
            pass
        try:
            return look_up(name)
        except KeyError:
            return None

    def set_owner_if_different(self, path, owner, changed, diff=None, expand=True):
        """Gives a file to a user, by name or number; returns whether something changed by now."""
        if owner is None:
            return changed
        real = _expand(path, expand)
        if self._is_foretold(real):
            return True
        before = self.user_and_group(real, False)[0]
        uid = self._number_of(owner, lambda name: pwd.getpwnam(name).pw_uid, "user")
        if uid is None:
            self.fail_json(
                path=to_text(real), msg="chown failed: failed to look up user %s" % owner
            )
        return self._chown(real, "owner", before, uid, (uid, -1), changed, diff)

    def set_group_if_different(self, path, group, changed, diff=None, expand=True):
        """Gives a file to a group, by name or number; returns whether something changed by now."""
        if group is None:
            return changed
        real = _expand(path, expand)
        if self._is_foretold(real):
            return True
        before = self.user_and_group(real, False)[1]
        gid = self._number_of(group, lambda name: grp.getgrnam(name).gr_gid, "group")
        if gid is None:
            self.fail_json(
                path=to_text(real), msg="chgrp failed: failed to look up group %s" % group
            )
        return self._chown(real, "group", before, gid, (-1, gid), changed, diff)

    def _chown(self, real, name, before, after, numbers, changed, diff):
        if before == after:
            return changed
        _note(diff, name, before, after)
        if self.check_mode:
            return True
        try:
            os.lchown(real, *numbers)
        except OSError as error:
            verb = "chown failed" if name == "owner" else "chgrp failed"
            self.fail_json(path=to_text(real), msg=verb, details=to_native(error))
        return True

    def set_mode_if_different(self, path, mode, changed, diff=None, expand=True):
        """Gives a file a mode, as a number, octal text or symbolic text; of a link, to its target.

        Returns whether something changed by now.
        """
        if mode is None:
            return changed
        real = _expand(path, expand)
        if self._is_foretold(real):
            return True
        status = os.lstat(real)
        if not isinstance(mode, int):
            mode = self._mode_number(real, status, mode)
        before = stat.S_IMODE(status.st_mode)
        if before == mode:
            return changed
        _note(diff, "mode", "0%03o" % before, "0%03o" % mode)
        if self.check_mode:
            return True
        try:
            self._chmod(real, status, mode)
        except OSError as error:
            if os.path.islink(real) and error.errno in (errno.EPERM, errno.EROFS, errno.ENOTSUP):
                # The mode of a link cannot be set here, and does not matter.
                pass
            elif error.errno in (errno.ENOENT, errno.ELOOP):
                # A link that leads nowhere.
                pass
            else:
                self.fail_json(path=to_text(real), msg="chmod failed", details=to_native(error))
        after = stat.S_IMODE(os.lstat(real).st_mode)
        return changed or before != after

    def _mode_number(self, real, status, mode):
        try:
            return int(mode, 8)
        except Exception:
            pass
        try:
            return self._symbolic_mode_to_octal(status, mode)
        except Exception as error:
            self.fail_json(
                path=to_text(real),
                msg="mode must be in octal or symbolic form",
                details=to_native(error),
            )

    @staticmethod
    def _chmod(real, status, mode):
        if not stat.S_ISLNK(status.st_mode):
            os.chmod(real, mode)
        elif hasattr(os, "lchmod"):
            os.lchmod(real, mode)
        else:
            # The target keeps the mode that it has: only the link is meant.
            target = os.stat(real)
            os.chmod(real, mode)
            if os.stat(real).st_mode != target.st_mode:
                os.chmod(real, stat.S_IMODE(target.st_mode))

    @classmethod
    def _symbolic_mode_to_octal(cls, path_stat, symbolic_mode):
        return modes.symbolic_mode(path_stat, symbolic_mode)

    def get_file_attributes(self, path, include_version=True):
        """What lsattr says of a path: flags, their names, the version; empty where it cannot."""
        found = {}
        program = self.get_bin_path("lsattr", False)
        if not program:
            return found
        flags = "-vd" if include_version else "-d"
        try:
            status, output, _ = self.run_command([program, flags, path])
        except Exception:
            return found
        fields = output.split()
        if status != 0 or not fields:
            return found
        if include_version:
            found["version"] = fields.pop(0).strip()
        if fields:
            found["attr_flags"] = fields[0].replace("-", "").strip()
            found["attributes"] = format_attributes(found["attr_flags"])
        return found

    def set_attributes_if_different(self, path, attributes, changed, diff=None, expand=True):
        """Gives a file attributes of chattr; returns whether something changed by now."""
        if not attributes:
            return changed
        real = _expand(path, expand)
        if self._is_foretold(real):
            return True
        before = self.get_file_attributes(real, include_version=False).get("attr_flags", "")
        operator = "="
        if attributes.startswith(("-", "+")):
            operator, attributes = attributes[0], attributes[1:]
        is_as_wanted = {
            "=": before == attributes,
            "+": all(letter in before for letter in attributes) and bool(attributes),
            "-": not any(letter in before for letter in attributes),
        }
        if is_as_wanted[operator]:
            return changed
        program = self.get_bin_path("chattr")
        if not program and not self.check_mode:
            self.fail_json(msg="chattr failed: chattr is not there")
        _note(diff, "attributes", before, "%s%s" % (operator, attributes))
        if self.check_mode:
            return True
        try:
            command = [program, "%s%s" % (operator, attributes), to_native(real)]
            status, output, complaint = self.run_command(command)
            if status != 0 or complaint:
                raise Exception(
                    "Error while setting attributes: %s" % (output + complaint)
                )
        except Exception as error:
            self.fail_json(
                path=to_text(real),
                msg="chattr failed",
                details=to_native(error),
                exception=traceback.format_exc(),
            )
        return True

    def set_fs_attributes_if_different(self, file_args, changed, diff=None, expand=True):
        """Sets all of `load_file_common_arguments`; returns whether something changed by now."""
        path = file_args["path"]
        changed = self.set_context_if_different(path, file_args["secontext"], changed, diff)
        for name, setter in (
            ("owner", self.set_owner_if_different),
            ("group", self.set_group_if_different),
            ("mode", self.set_mode_if_different),
            ("attributes", self.set_attributes_if_different),
        ):
            changed = setter(path, file_args[name], changed, diff, expand)
        return changed

    set_directory_attributes_if_different = set_fs_attributes_if_different
    set_file_attributes_if_different = set_fs_attributes_if_different

    def add_path_info(self, kwargs):
        """Adds to a result what the file at its `path` (or `dest`) is."""
        path = kwargs.get("path", kwargs.get("dest", None))
        if path is None:
            return kwargs
        real = to_bytes(path, errors="surrogate_or_strict")
        if not os.path.exists(real):
            return kwargs
        uid, gid = self.user_and_group(path)
        status = os.lstat(real)
        kwargs.update(
            uid=uid,
            gid=gid,
            owner=_name_of(pwd.getpwuid, uid),
            group=_name_of(grp.getgrgid, gid),
            mode="0%03o" % stat.S_IMODE(status.st_mode),
            state=_state_of(real, status),
            size=status.st_size,
        )
        if self.selinux_enabled():
            kwargs["secontext"] = ":".join(self.selinux_context(path))
        return kwargs


def _name_of(look_up, number):
    try:
        return look_up(number)[0]
    except KeyError:
        return str(number)


def _state_of(path, status):
    if os.path.islink(path):
        return "link"
    if os.path.isdir(path):
        return "directory"
    return "hard" if status.st_nlink > 1 else "file"
