"""Files put in place at once, copied with what they have, kept aside, and their digests."""

import errno
import hashlib
import os
import shutil
import sys
import tempfile
import time
import traceback

from ansible.module_utils._trueup import labels, modes
from ansible.module_utils.common.text.converters import to_bytes, to_native

# Files are read in pieces of so many bytes.
_PIECE_BYTES = 64 * 1024
_DEFAULT_MODE = 0o666
# Reasons for which a rename is refused where a copy may do.
_RENAME_REFUSALS = (errno.EPERM, errno.EXDEV, errno.EACCES, errno.ETXTBSY, errno.EBUSY)
# Reasons for which attributes may stay as they are.
_NOT_PERMITTED = (errno.EPERM,)


def _available_algorithms():
    """The digests that this Python can make, by name."""
    found = {}
    for name in hashlib.algorithms_available:
        try:
            hashlib.new(name)
        except ValueError:
            # It is there and not allowed, as MD5 where FIPS rules.
            continue
        found[name] = getattr(hashlib, name, None) or (lambda name=name: hashlib.new(name))
    return found


class _LazyAlgorithms(dict):
    """Algorithms that are tried when one is first asked for: few modules do."""

    _is_known = False

    def _learn(self):
        if not self._is_known:
            self._is_known = True
            self.update(_available_algorithms())

    def __missing__(self, name):
        if self._is_known:
            raise KeyError(name)
        self._learn()
        return self[name]

    def __contains__(self, name):
        self._learn()
        return dict.__contains__(self, name)

    def __iter__(self):
        self._learn()
        return dict.__iter__(self)

    def keys(self):
        self._learn()
        return dict.keys(self)


AVAILABLE_HASH_ALGORITHMS = _LazyAlgorithms()


class Placement:
    """The part of a module that moves and reads whole files."""

    def digest_from_file(self, filename, algorithm):
        """The digest of a file in hex, by a name or an object of hashlib; None without the file."""
        real = to_bytes(filename, errors="surrogate_or_strict")
        if not os.path.exists(real):
            return None
        if os.path.isdir(real):
            self.fail_json(msg="attempted to take checksum of directory: %s" % filename)
        if hasattr(algorithm, "hexdigest"):
            digest = algorithm
        else:
            try:
                digest = AVAILABLE_HASH_ALGORITHMS[algorithm]()
            except KeyError:
                self.fail_json(
                    msg="Could not hash file '%s' with algorithm '%s'. Available algorithms: %s"
                    % (filename, algorithm, ", ".join(AVAILABLE_HASH_ALGORITHMS))
                )
        with open(os.path.realpath(real), "rb") as stream:
            for piece in iter(lambda: stream.read(_PIECE_BYTES), b""):
                digest.update(piece)
        return digest.hexdigest()

    def md5(self, filename):
        """The MD5 of a file. Raises ValueError where this Python may not make it."""
        if "md5" not in AVAILABLE_HASH_ALGORITHMS:
            raise ValueError("MD5 not available.  Possibly running in FIPS mode")
        return self.digest_from_file(filename, "md5")

    def sha1(self, filename):
        """The SHA-1 of a file."""
        return self.digest_from_file(filename, "sha1")

    def sha256(self, filename):
        """The SHA-256 of a file."""
        return self.digest_from_file(filename, "sha256")

    def backup_local(self, fn):
        """Copies a file beside itself, with process and time in its name; returns that path."""
        if not os.path.exists(fn):
            return ""
        stamp = time.strftime("%Y-%m-%d@%H:%M:%S~", time.localtime(time.time()))
        copy = "%s.%s.%s" % (fn, os.getpid(), stamp)
        try:
            self.preserved_copy(fn, copy)
        except (shutil.Error, OSError) as error:
            self.fail_json(
                msg="Could not make backup of %s to %s: %s" % (fn, copy, to_native(error))
            )
        return copy

    def cleanup(self, tmpfile):
        """Removes a file that is no longer needed; failing to is no failure."""
        if os.path.exists(tmpfile):
            try:
                os.unlink(tmpfile)
            except OSError as error:
                sys.stderr.write("could not cleanup %s: %s" % (tmpfile, to_native(error)))

    def add_cleanup_file(self, path):
        """Has a file removed when the module ends."""
        if path not in self.cleanup_files:
            self.cleanup_files.append(path)

    def do_cleanup_files(self):
        """Removes the files that are to be removed."""
        for path in self.cleanup_files:
            self.cleanup(path)

    def append_to_file(self, filename, str):
        """Adds text to the end of a file."""
        filename = os.path.expandvars(os.path.expanduser(filename))
        with open(filename, "a") as stream:
            stream.write(str)

    def preserved_copy(self, src, dest):
        """Copies a file with its mode, times, owner, group, context and attributes."""
        shutil.copy2(src, dest)
        if self.selinux_enabled():
            self.set_context_if_different(dest, self.selinux_context(src), False)
        status = os.stat(src)
        try:
            if (os.stat(dest).st_uid, os.stat(dest).st_gid) != (status.st_uid, status.st_gid):
                os.chown(dest, status.st_uid, status.st_gid)
        except OSError as error:
            if error.errno not in _NOT_PERMITTED:
                raise
        flags = self.get_file_attributes(src).get("attr_flags", "")
        if flags:
            self.set_attributes_if_different(dest, "".join(flags), True)

    def atomic_move(self, src, dest, unsafe_writes=False, keep_dest_attrs=True):
        """Puts a file in the place of another at once, so that readers see the one or the other.

        The new file takes the owner, mode and context of the one that was there, or those of new
        files. With `unsafe_writes`, it is written over the other where nothing else is possible.
        """
        real_src = to_bytes(src, errors="surrogate_or_strict")
        real_dest = to_bytes(dest, errors="surrogate_or_strict")
        is_new = not os.path.exists(real_dest)
        context = None
        if not is_new and keep_dest_attrs:
            self._take_over(real_src, real_dest, dest)
        if self.selinux_enabled():
            context = self.selinux_default_context(dest) if is_new else self.selinux_context(dest)
        try:
            os.rename(real_src, real_dest)
        except OSError as error:
            if error.errno not in _RENAME_REFUSALS:
                self.fail_json(
                    msg="Could not replace file: %s to %s: %s" % (src, dest, to_native(error)),
                    exception=traceback.format_exc(),
                )
            self._move_through_copy(real_src, real_dest, src, dest, unsafe_writes, context)
        if is_new:
            # As a new file would be: the temporary file was for its maker alone.
            umask = modes.current_umask()
            os.chmod(real_dest, _DEFAULT_MODE & ~umask)
            try:
                os.chown(real_dest, os.geteuid(), os.getegid())
            except OSError:
                pass
        if context is not None:
            labels.label_like(self, dest, context)

    def _take_over(self, real_src, real_dest, dest):
        """Gives the new file what the old one has."""
        try:
            status = os.stat(real_dest)
            os.chmod(real_src, status.st_mode & 0o7777)
            os.chown(real_src, status.st_uid, status.st_gid)
            if hasattr(os, "chflags") and hasattr(status, "st_flags"):
                try:
                    os.chflags(real_src, status.st_flags)
                except OSError as error:
                    if error.errno not in (errno.EOPNOTSUPP, errno.ENOTSUP):
                        raise
        except OSError as error:
            if error.errno not in _NOT_PERMITTED:
                raise

    def _move_through_copy(self, real_src, real_dest, src, dest, unsafe_writes, context):
        """Copies to a file beside the place, and renames that."""
        folder = os.path.dirname(real_dest)
        suffix = os.path.basename(real_dest)
        beside = None
        try:
            handle, beside = tempfile.mkstemp(
                prefix=b".ansible_tmp", dir=folder or b".", suffix=suffix
            )
        except OSError as error:
            if unsafe_writes:
                self._unsafe_writes(real_src, real_dest)
                return
            self.fail_json(
                msg="The destination directory (%s) is not writable by the current user. Error"
                " was: %s" % (os.path.dirname(dest), to_native(error)),
                exception=traceback.format_exc(),
            )
        os.close(handle)
        try:
            try:
                shutil.copy2(real_src, beside)
                status = os.stat(real_src)
                try:
                    os.chown(beside, status.st_uid, status.st_gid)
                except OSError as error:
                    if error.errno not in _NOT_PERMITTED:
                        raise
                if context is not None:
                    self.set_context_if_different(to_native(beside), context, False)
                os.rename(beside, real_dest)
                os.unlink(real_src)
            except OSError as error:
                if not unsafe_writes or error.errno not in (errno.EBUSY, errno.EPERM, errno.EACCES):
                    self.fail_json(
                        msg="Unable to make %s into to %s, failed final rename from %s: %s"
                        % (src, dest, to_native(beside), to_native(error)),
                        exception=traceback.format_exc(),
                    )
                self._unsafe_writes(real_src, real_dest)
        finally:
            self.cleanup(beside)

    def _unsafe_writes(self, src, dest):
        """Writes a file's content over another one, which others may see half done."""
        try:
            with open(dest, "wb") as out, open(src, "rb") as content:
                shutil.copyfileobj(content, out)
        except OSError as error:
            self.fail_json(
                msg="Could not write data to file (%s) from (%s): %s"
                % (to_native(dest), to_native(src), to_native(error)),
                exception=traceback.format_exc(),
            )
