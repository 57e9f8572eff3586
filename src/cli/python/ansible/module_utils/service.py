"""Services that are started by scripts, and processes that go on by themselves."""

import glob
import json
import os
import select
import shlex
import subprocess
import sys

from ansible.module_utils.common.text.converters import to_bytes, to_text

_SYSV_FOLDER = "/etc/init.d"
# systemd says so by these, where it rules.
_SYSTEMD_SIGNS = ("/run/systemd/system/", "/dev/.run/systemd/", "/dev/.systemd/")
_PIECE_BYTES = 4096


def sysv_is_enabled(name, runlevel=None):
    """Whether a script is started: in some runlevel, or in a given one."""
    pattern = "/etc/rc?.d/S??%s" if runlevel is None else "/etc/rc%s.d/S??%%s" % runlevel
    return bool(glob.glob(pattern % name))


def get_sysv_script(name):
    """The path of a service's script; a path stays as it is."""
    return name if name.startswith("/") else "%s/%s" % (_SYSV_FOLDER, name)


def sysv_exists(name):
    """Whether a service has a script."""
    return os.path.exists(get_sysv_script(name))


def get_ps(module, pattern):
    """The first line of `ps` that a pattern stands in, or False."""
    is_solaris = sys.platform.startswith("sunos")
    program = module.get_bin_path("ps", True)
    flags = "-ef" if is_solaris else "auxww"
    status, output, _ = module.run_command([program, flags])
    if status != 0:
        return False
    return next((line for line in output.split("\n") if pattern in line), False)


def check_ps(module, pattern):
    """Whether a pattern stands in what `ps` says of processes."""
    program = module.get_bin_path("ps", True)
    status, output, _ = module.run_command([program, "-ef"])
    return status == 0 and pattern in output


def fail_if_missing(module, found, service, msg=""):
    """Fails where a service is not there."""
    if not found:
        module.fail_json(
            msg="Could not find the requested service %s: %s" % (service, msg)
        )


def is_systemd_managed(module):
    """Whether systemd has started this machine and rules its services."""
    if not module.get_bin_path("systemctl"):
        return False
    if any(os.path.exists(sign) for sign in _SYSTEMD_SIGNS):
        return True
    try:
        with open("/proc/1/comm") as stream:
            return "systemd" in stream.readline()
    except OSError:
        return False


def fork_process():
    """Forks; the child is in a session of its own, without its parent's input and output."""
    pid = os.fork()
    if pid != 0:
        return pid
    with open(os.devnull, "r+") as nothing:
        for number in range(3):
            if nothing.fileno() != number:
                os.dup2(nothing.fileno(), number)
    os.setsid()
    # A second child can never have a terminal.
    pid = os.fork()
    if pid > 0:
        os._exit(0)
    os.chdir("/")
    os.umask(0o022)
    return 0


def daemonize(module, cmd):
    """Runs a command that leaves processes behind; returns its status, output and complaints."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        try:
            os.setsid()
            result = _run_apart(cmd)
        except Exception as error:
            result = [1, "", str(error)]
        with os.fdopen(writer, "wb") as stream:
            stream.write(to_bytes(json.dumps(result)))
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as stream:
        said = stream.read()
    os.waitpid(pid, 0)
    if not said:
        module.fail_json(msg="unable to run %s apart" % (cmd,))
    return json.loads(to_text(said, errors="surrogate_or_strict"))


def _run_apart(cmd):
    """Runs a command until it has ended, though those that it leaves behind hold its output."""
    words = shlex.split(cmd) if isinstance(cmd, str) else cmd
    words = [to_bytes(word, errors="surrogate_or_strict") for word in words]
    process = subprocess.Popen(
        words,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=lambda: os.chdir("/"),
    )
    output = {process.stdout: b"", process.stderr: b""}
    waiting = list(output)
    while waiting:
        ready = select.select(waiting, [], [], 1)[0]
        if not ready and process.poll() is not None:
            break
        for stream in ready:
            piece = os.read(stream.fileno(), _PIECE_BYTES)
            output[stream] += piece
            if not piece:
                waiting.remove(stream)
    process.wait()
    return [
        process.returncode,
        to_text(output[process.stdout], errors="surrogate_or_replace"),
        to_text(output[process.stderr], errors="surrogate_or_replace"),
    ]
