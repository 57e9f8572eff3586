"""Programs that modules run."""

import os
import re
import selectors
import shlex
import subprocess
import time

from ansible.module_utils._trueup.masking import heuristic_log_sanitize
from ansible.module_utils.common.process import get_bin_path as _find_program
from ansible.module_utils.common.text.converters import to_bytes, to_native, to_text

# Arguments that a password stands in or behind.
PASSWD_ARG_RE = re.compile(r"^[-]{0,2}pass[-]?(word|wd)?")
_STARS = "********"

_PIECE_BYTES = 64 * 1024
# How long is waited for output before it is looked whether the program has ended.
_POLL_SECS = 1


class Programs:
    """The part of a module that runs programs."""

    def get_bin_path(self, arg, required=False, opt_dirs=None):
        """The path of a program, or None; where it is required, its absence fails the module."""
        try:
            return _find_program(arg=arg, opt_dirs=opt_dirs)
        except ValueError as error:
            if required:
                self.fail_json(msg=to_text(error))
            return None

    def _clean_args(self, args):
        """A command as it may be shown: quoted, without what looks like a password."""
        if not self._clean:
            is_text = isinstance(args, (str, bytes))
            words = shlex.split(to_native(args)) if is_text else [to_native(arg) for arg in args]
            shown, is_secret = [], False
            for word in words:
                if is_secret:
                    is_secret = False
                    shown.append(_STARS)
                    continue
                if PASSWD_ARG_RE.match(word):
                    sign = word.find("=")
                    if sign > -1:
                        shown.append("%s=%s" % (word[:sign], _STARS))
                        continue
                    is_secret = True
                shown.append(heuristic_log_sanitize(word, self.no_log_values))
            self._clean = " ".join(shlex.quote(word) for word in shown)
        return self._clean

    def run_command(
        self,
        args,
        check_rc=False,
        close_fds=True,
        executable=None,
        data=None,
        binary_data=False,
        path_prefix=None,
        cwd=None,
        use_unsafe_shell=False,
        prompt_regex=None,
        environ_update=None,
        umask=None,
        encoding="utf-8",
        errors="surrogate_or_strict",
        expand_user_and_vars=True,
        pass_fds=None,
        before_communicate_callback=None,
        ignore_invalid_cwd=True,
        handle_exceptions=True,
    ):
        """Runs a program; returns its status, its output and what it complains about.

        `args` is a list of arguments, or text that is split (or given to a shell with
        `use_unsafe_shell`). `check_rc` fails the module where the status is not zero. `data` is its
        input, with a line's end behind it unless `binary_data`. Output is bytes where `encoding` is
        None. A prompt that `prompt_regex` (or several of them) matches ends it with status 257
        where it has no input.
        """
        self._clean = None
        if not isinstance(args, (list, bytes, str)):
            self.fail_json(
                rc=257,
                cmd=args,
                msg="Argument 'args' to run_command must be list or string",
            )
        command = self._words(args, use_unsafe_shell, executable, expand_user_and_vars)
        prompt = self._prompt(prompt_regex)
        options = {
            "executable": executable if not use_unsafe_shell else None,
            "close_fds": close_fds,
            "stdin": subprocess.PIPE if data else None,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
            "env": self._environment(path_prefix, environ_update),
        }
        if pass_fds:
            options["pass_fds"] = pass_fds
        if umask is not None:
            options["preexec_fn"] = lambda: os.umask(umask)
        folder = self._folder(cwd, ignore_invalid_cwd)
        if folder is not None:
            options["cwd"] = folder
        try:
            if self._debug:
                self.log("Executing: " + self._clean_args(args))
            process = subprocess.Popen(command, **options)
            if before_communicate_callback:
                before_communicate_callback(process)
            if data:
                if not binary_data:
                    data = to_bytes(data) + b"\n"
                data = to_bytes(data)
            out, err, is_prompt = _talk(process, data, prompt)
        except OSError as error:
            self.log(
                "Error Executing CMD:%s Exception:%s"
                % (self._clean_args(args), to_native(error))
            )
            if not handle_exceptions:
                raise
            self.fail_json(
                rc=error.errno,
                stdout="",
                stderr="",
                msg=to_native(error),
                cmd=self._clean_args(args),
            )
        except Exception as error:
            import traceback

            self.log(
                "Error Executing CMD:%s Exception:%s"
                % (self._clean_args(args), traceback.format_exc())
            )
            if not handle_exceptions:
                raise
            self.fail_json(
                rc=257,
                stdout="",
                stderr="",
                msg=to_native(error),
                exception=traceback.format_exc(),
                cmd=self._clean_args(args),
            )
        if is_prompt:
            if encoding:
                out = to_native(out, encoding=encoding, errors=errors)
            complaint = (
                "A prompt was encountered while running a command, but no input data was specified"
            )
            return 257, out, complaint
        status = process.returncode
        if status != 0 and check_rc:
            message = heuristic_log_sanitize(
                to_native(err).rstrip(), self.no_log_values
            )
            self.fail_json(
                cmd=self._clean_args(args),
                rc=status,
                stdout=to_native(out),
                stderr=to_native(err),
                msg=message,
            )
        if encoding is not None:
            out = to_native(out, encoding=encoding, errors=errors)
            err = to_native(err, encoding=encoding, errors=errors)
        return status, out, err

    def _words(self, args, use_unsafe_shell, executable, expands):
        """The arguments of the process."""
        if use_unsafe_shell:
            if isinstance(args, list):
                args = b" ".join(
                    to_bytes(shlex.quote(to_text(arg, errors="surrogateescape"))) for arg in args
                )
            shell = executable or self._shell or "/bin/sh"
            return [to_bytes(shell), b"-c", to_bytes(args, errors="surrogate_or_strict")]
        if not isinstance(args, list):
            args = shlex.split(to_text(args, errors="surrogateescape"))
        words = [to_bytes(arg, errors="surrogate_or_strict") for arg in args if arg is not None]
        if expands:
            words = [os.path.expanduser(os.path.expandvars(word)) for word in words]
        return words

    def _prompt(self, prompt_regex):
        """The patterns of prompts, compiled."""
        if not prompt_regex:
            return []
        given = prompt_regex if isinstance(prompt_regex, list) else [prompt_regex]
        try:
            return [
                re.compile(to_bytes(one, errors="surrogate_or_strict"), re.MULTILINE)
                for one in given
            ]
        except re.error:
            self.fail_json(msg="invalid prompt regular expression given to run_command")

    def _environment(self, path_prefix, environ_update):
        environment = os.environ.copy()
        environment.update(self.run_command_environ_update or {})
        environment.update(environ_update or {})
        if path_prefix:
            path = environment.get("PATH", "")
            environment["PATH"] = "%s:%s" % (path_prefix, path) if path else path_prefix
        return environment

    def _folder(self, cwd, ignore_invalid_cwd):
        if cwd is None:
            return None
        folder = to_bytes(
            os.path.abspath(os.path.expanduser(to_native(cwd))), errors="surrogate_or_strict"
        )
        if os.path.isdir(folder):
            return folder
        if not ignore_invalid_cwd:
            self.fail_json(
                msg="Provided cwd is not a valid directory: %s" % to_native(cwd)
            )
        return None


def _talk(process, data, prompts):
    """Gives a process its input and reads its output until it ends.

    Ends as well where the process has ended and others, to whom it gave its output, say nothing.
    Returns the output, the complaints, and whether it waits at a prompt.
    """
    output = {process.stdout: [], process.stderr: []}
    pending = memoryview(data or b"")
    with selectors.DefaultSelector() as selector:
        for stream in output:
            os.set_blocking(stream.fileno(), False)
            selector.register(stream, selectors.EVENT_READ)
        if process.stdin is not None:
            os.set_blocking(process.stdin.fileno(), False)
            selector.register(process.stdin, selectors.EVENT_WRITE)
        while selector.get_map():
            has_ended = process.poll() is not None
            ready = selector.select(0 if has_ended else _POLL_SECS)
            if has_ended and not ready:
                break
            for key, _ in ready:
                stream = key.fileobj
                if stream is process.stdin:
                    pending = _feed(selector, stream, pending)
                    continue
                piece = _read(stream)
                if piece is None:
                    continue
                if not piece:
                    selector.unregister(stream)
                    stream.close()
                    continue
                output[stream].append(piece)
            if prompts and not data:
                said = b"".join(output[process.stdout])
                if any(prompt.search(said) for prompt in prompts):
                    process.kill()
                    process.wait()
                    _close(process)
                    return said, b"", True
    # All output is there, yet the process may go on for a moment.
    while process.poll() is None:
        try:
            process.wait(_POLL_SECS)
        except subprocess.TimeoutExpired:
            time.sleep(0)
    _close(process)
    return b"".join(output[process.stdout]), b"".join(output[process.stderr]), False


def _read(stream):
    try:
        return os.read(stream.fileno(), _PIECE_BYTES)
    except BlockingIOError:
        return None


def _feed(selector, stream, pending):
    """Writes what the pipe takes; closes it when all is written or nobody reads."""
    try:
        written = os.write(stream.fileno(), pending[:_PIECE_BYTES]) if pending else 0
        pending = pending[written:]
    except BlockingIOError:
        return pending
    except BrokenPipeError:
        pending = memoryview(b"")
    if not pending:
        selector.unregister(stream)
        try:
            stream.close()
        except BrokenPipeError:
            pass
    return pending


def _close(process):
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None and not stream.closed:
            try:
                stream.close()
            except BrokenPipeError:
                pass
