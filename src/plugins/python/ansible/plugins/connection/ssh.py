"""Commands on hosts by OpenSSH's client, for plugins that change something about it.

Trueup speaks SSH itself; this stands in for the class that such plugins are written on.
"""

import os
import shlex
import shutil
import subprocess

from ansible.errors import AnsibleConnectionFailure, AnsibleError, AnsibleFileNotFound
from ansible.module_utils.common.text.converters import to_bytes, to_native, to_text
from ansible.plugins.connection import ConnectionBase
from ansible.utils.display import Display

display = Display()

# What ssh ends with where it did not get there.
SSH_FAILED = 255


class Connection(ConnectionBase):
    """Calls `ssh` for each command."""

    transport = "ssh"
    has_pipelining = True

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.host = self._play_context.remote_addr
        self.port = self._play_context.port
        self.user = self._play_context.remote_user
        self.control_path = None
        self.control_path_dir = None

    def _said(self, name, default=None):
        """An option, where the plugin declares it."""
        try:
            value = self.get_option(name)
        except KeyError:
            return default
        return default if value is None else value

    def set_options(self, *args, **kwargs):
        super().set_options(*args, **kwargs)
        self.host = self._said("host", self.host)
        self.port = self._said("port", self.port)
        self.user = self._said("remote_user", self.user)

    def _connect(self):
        self._connected = True
        return self

    def _build_command(self, binary, subsystem, *other_args):
        words = []
        password = self._said("password", getattr(self._play_context, "password", None))
        if password:
            if shutil.which("sshpass") is None:
                raise AnsibleError(
                    "to use the 'ssh' connection type with passwords or pkcs11_provider, you must install the sshpass program"
                )
            words += ["sshpass", "-e"]
        words.append(to_text(binary))
        words += shlex.split(self._said("ssh_args", "-C -o ControlMaster=auto -o ControlPersist=60s"))
        if str(self._said("host_key_checking", True)).lower() in ("false", "no", "0"):
            words += ["-o", "StrictHostKeyChecking=no"]
        if self.port:
            words += ["-o", "Port=%s" % self.port]
        key = self._said("private_key_file", getattr(self._play_context, "private_key_file", None))
        if key:
            words += ["-o", 'IdentityFile="%s"' % os.path.expanduser(key)]
        if not password:
            words += ["-o", "KbdInteractiveAuthentication=no", "-o", "PasswordAuthentication=no"]
        if self.user:
            words += ["-o", 'User="%s"' % self.user]
        words += ["-o", "ConnectTimeout=%s" % self._said("timeout", self._play_context.timeout)]
        for option in ("ssh_common_args", subsystem + "_extra_args"):
            words += self._split_ssh_args(self._said(option, ""))
        return [to_bytes(word) for word in words + list(other_args)]

    def _run(self, cmd, in_data, sudoable=True, checkrc=True):
        environment = dict(os.environ)
        password = self._said("password", getattr(self._play_context, "password", None))
        if password:
            environment["SSHPASS"] = to_native(password)
        if isinstance(in_data, str):
            in_data = in_data.encode("utf-8", "surrogateescape")
        display.vvv("SSH: EXEC %s" % " ".join(shlex.quote(to_text(word)) for word in cmd), host=self.host)
        done = subprocess.run(
            cmd,
            env=environment,
            input=in_data,
            stdin=subprocess.DEVNULL if in_data is None else None,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        if done.returncode == SSH_FAILED and checkrc:
            raise AnsibleConnectionFailure(
                "Failed to connect to the host via ssh: %s" % to_text(done.stderr).strip()
            )
        return done.returncode, done.stdout, done.stderr

    def exec_command(self, cmd, in_data=None, sudoable=True):
        super().exec_command(cmd, in_data=in_data, sudoable=sudoable)
        display.vvv("ESTABLISH SSH CONNECTION FOR USER: %s" % self.user, host=self.host)
        program = self._said("ssh_executable", "ssh")
        return self._run(self._build_command(program, "ssh", self.host, cmd), in_data, sudoable=sudoable)

    def put_file(self, in_path, out_path):
        super().put_file(in_path, out_path)
        display.vvv("PUT %s TO %s" % (in_path, out_path), host=self.host)
        if not os.path.exists(in_path):
            raise AnsibleFileNotFound("file or module does not exist: %s" % in_path)
        with open(in_path, "rb") as stream:
            content = stream.read()
        program = self._said("ssh_executable", "ssh")
        line = "cat > %s" % shlex.quote(to_text(out_path))
        done = self._run(self._build_command(program, "ssh", self.host, line), content)
        if done[0] != 0:
            raise AnsibleError("failed to transfer file to %s:\n%s" % (out_path, to_native(done[2])))
        return done

    def fetch_file(self, in_path, out_path):
        super().fetch_file(in_path, out_path)
        display.vvv("FETCH %s TO %s" % (in_path, out_path), host=self.host)
        program = self._said("ssh_executable", "ssh")
        line = "cat %s" % shlex.quote(to_text(in_path))
        done = self._run(self._build_command(program, "ssh", self.host, line), None)
        if done[0] != 0:
            raise AnsibleError("failed to transfer file from %s:\n%s" % (in_path, to_native(done[2])))
        with open(out_path, "wb") as stream:
            stream.write(done[1])
        return done

    def reset(self):
        self.close()

    def close(self):
        self._connected = False
