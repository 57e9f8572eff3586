"""Commands on the controller itself."""

import getpass
import os
import shutil
import subprocess

from ansible.errors import AnsibleError, AnsibleFileNotFound
from ansible.module_utils.common.text.converters import to_bytes, to_text
from ansible.plugins.connection import ConnectionBase
from ansible.utils.display import Display

display = Display()


class Connection(ConnectionBase):
    """What runs on the host runs here."""

    transport = "local"
    has_pipelining = True

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.cwd = None
        try:
            self.default_user = getpass.getuser()
        except (KeyError, OSError):
            self.default_user = ""

    def _connect(self):
        self._play_context.remote_user = self.default_user
        if not self._connected:
            display.vvv(
                "ESTABLISH LOCAL CONNECTION FOR USER: %s" % self._play_context.remote_user,
                host=self._play_context.remote_addr,
            )
            self._connected = True
        return self

    def exec_command(self, cmd, in_data=None, sudoable=True):
        super().exec_command(cmd, in_data=in_data, sudoable=sudoable)
        display.vvv("EXEC %s" % to_text(cmd), host=self._play_context.remote_addr)
        shell = getattr(self._play_context, "executable", None) or "/bin/sh"
        is_line = isinstance(cmd, (str, bytes))
        if isinstance(in_data, str):
            in_data = in_data.encode("utf-8", "surrogateescape")
        done = subprocess.run(
            to_bytes(cmd) if is_line else [to_bytes(word) for word in cmd],
            shell=is_line,
            executable=shell if is_line else None,
            cwd=self.cwd,
            input=in_data,
            stdin=subprocess.DEVNULL if in_data is None else None,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        return done.returncode, done.stdout, done.stderr

    def _absolute(self, path):
        return os.path.abspath(os.path.join(self.cwd or os.getcwd(), os.path.expandvars(os.path.expanduser(path))))

    def put_file(self, in_path, out_path):
        super().put_file(in_path, out_path)
        in_path, out_path = self._absolute(in_path), self._absolute(out_path)
        display.vvv("PUT %s TO %s" % (in_path, out_path), host=self._play_context.remote_addr)
        if not os.path.exists(in_path):
            raise AnsibleFileNotFound("file or module does not exist: %s" % in_path)
        try:
            shutil.copyfile(in_path, out_path)
        except shutil.Error:
            raise AnsibleError("failed to copy: %s and %s are the same" % (in_path, out_path))
        except OSError as error:
            raise AnsibleError("failed to transfer file to %s: %s" % (out_path, error))

    def fetch_file(self, in_path, out_path):
        super().fetch_file(in_path, out_path)
        display.vvv("FETCH %s TO %s" % (in_path, out_path), host=self._play_context.remote_addr)
        self.put_file(in_path, out_path)

    def reset(self):
        pass

    def close(self):
        self._connected = False
