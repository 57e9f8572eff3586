"""SELinux contexts of files."""

import errno

from ansible.module_utils.common.text.converters import to_bytes, to_native, to_text

try:
    from ansible.module_utils.compat import selinux

    HAVE_SELINUX = True
except ImportError:
    selinux = None
    HAVE_SELINUX = False


class Labels:
    """The part of a module that knows SELinux contexts: lists of user, role, type and level."""

    def selinux_mls_enabled(self):
        """Whether contexts have levels."""
        if self._selinux_mls_enabled is None:
            self._selinux_mls_enabled = HAVE_SELINUX and selinux.is_selinux_mls_enabled() == 1
        return self._selinux_mls_enabled

    def selinux_enabled(self):
        """Whether SELinux is on."""
        if self._selinux_enabled is None:
            self._selinux_enabled = HAVE_SELINUX and selinux.is_selinux_enabled() == 1
        return self._selinux_enabled

    def selinux_initial_context(self):
        """A context with nothing in it."""
        if self._selinux_initial_context is None:
            self._selinux_initial_context = [None] * (4 if self.selinux_mls_enabled() else 3)
        return self._selinux_initial_context

    def selinux_default_context(self, path, mode=0):
        """The context that the policy has for a path."""
        context = list(self.selinux_initial_context())
        if not self.selinux_enabled():
            return context
        try:
            status, text = selinux.matchpathcon(
                to_native(path, errors="surrogate_or_strict"), mode
            )
        except OSError:
            return context
        return context if status == -1 else text.split(":", 3)

    def selinux_context(self, path):
        """The context that a file has."""
        context = list(self.selinux_initial_context())
        if not self.selinux_enabled():
            return context
        try:
            status, text = selinux.lgetfilecon_raw(to_native(path, errors="surrogate_or_strict"))
        except OSError as error:
            if error.errno == errno.ENOENT:
                self.fail_json(path=path, msg="path %s does not exist" % path)
            self.fail_json(path=path, msg="failed to retrieve selinux context")
        return context if status == -1 else text.split(":", 3)

    def is_special_selinux_path(self, path):
        """Whether a path is on a file system whose contexts come from its mount, and which."""
        try:
            with open("/proc/mounts") as stream:
                mounts = stream.readlines()
        except OSError:
            return False, None
        place = self.find_mount_point(path)
        for line in mounts:
            fields = line.split()
            if len(fields) < 3 or to_bytes(fields[1]) != to_bytes(place):
                continue
            if any(name in fields[2] for name in self._selinux_special_fs):
                return True, self.selinux_context(to_text(place))
        return False, None

    def set_default_selinux_context(self, path, changed):
        """Gives a file the policy's context."""
        if not self.selinux_enabled():
            return changed
        return self.set_context_if_different(path, self.selinux_default_context(path), changed)

    def set_context_if_different(self, path, context, changed, diff=None):
        """Gives a file a context; parts that are None stay."""
        if not self.selinux_enabled():
            return changed
        if self.check_file_absent_if_check_mode(path):
            return True
        before = self.selinux_context(path)
        after = list(before)
        is_special, of_mount = self.is_special_selinux_path(path)
        if is_special:
            after = of_mount
        else:
            for at, part in enumerate(context[: len(before)]):
                if part is not None:
                    after[at] = part
        if before == after:
            return changed
        if diff is not None:
            diff.setdefault("before", {})["secontext"] = before
            diff.setdefault("after", {})["secontext"] = after
        if self.check_mode:
            return True
        try:
            status = selinux.lsetfilecon(to_native(path), ":".join(after))
        except OSError as error:
            self.fail_json(
                path=path,
                msg="invalid selinux context: %s" % to_native(error),
                new_context=after,
                cur_context=before,
                input_was=context,
            )
        if status != 0:
            self.fail_json(path=path, msg="set selinux context failed")
        return True


def label_like(module, dest, source=None):
    """Gives a new file the context of another one, or of the policy."""
    if not module.selinux_enabled():
        return
    context = source if source is not None else module.selinux_default_context(dest)
    module.set_context_if_different(dest, context, False)

