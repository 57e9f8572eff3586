"""Connection plugins: what they have in common."""

import functools
import os
import shlex

from ansible.plugins import AnsiblePlugin
from ansible.utils.display import Display

display = Display()

__all__ = ["ConnectionBase", "NetworkConnectionBase", "ensure_connect"]

BUFSIZE = 65536


def ensure_connect(func):
    """Has a method connect first, where that has not happened yet."""

    @functools.wraps(func)
    def wrapped(self, *args, **kwargs):
        if not self._connected:
            self._connect()
        return func(self, *args, **kwargs)

    return wrapped


class ConnectionBase(AnsiblePlugin):
    """A way to one host: it runs commands there, and brings files."""

    has_pipelining = False
    has_native_async = False
    always_pipeline_modules = False
    has_tty = True
    module_implementation_preferences = ("",)
    allow_executable = True
    supports_persistence = False
    force_persistence = False
    become_methods = ("sudo", "su", "doas")
    default_user = None

    def __init__(self, play_context, new_stdin=None, shell=None, *args, **kwargs):
        super().__init__()
        for name, value in (("_play_context", play_context), ("_display", display)):
            if not hasattr(self, name):
                setattr(self, name, value)
        self._new_stdin = new_stdin
        self.success_key = None
        self.prompt = None
        self._connected = False
        self._socket_path = None
        if shell is None:
            from _trueup.actions import Shell

            shell = Shell(getattr(play_context, "executable", "/bin/sh"))
        self._shell = shell
        self.become = None

    transport = None

    connected = property(lambda self: self._connected)
    socket_path = property(lambda self: self._socket_path)

    def set_become_plugin(self, plugin):
        self.become = plugin

    def set_host_overrides(self, host, hostvars=None):
        pass

    @staticmethod
    def _split_ssh_args(argstring):
        return [word.strip() for word in shlex.split(argstring) if word.strip()]

    def _connect(self):
        raise NotImplementedError("_connect")

    @ensure_connect
    def exec_command(self, cmd, in_data=None, sudoable=True):
        return None

    @ensure_connect
    def put_file(self, in_path, out_path):
        return None

    @ensure_connect
    def fetch_file(self, in_path, out_path):
        return None

    def close(self):
        raise NotImplementedError("close")

    def connection_lock(self):
        pass

    def connection_unlock(self):
        pass

    def reset(self):
        display.warning("Reset is not implemented for this connection")

    def update_vars(self, variables):
        pass


class NetworkConnectionBase(ConnectionBase):
    """A way to a device of a network, where what has to be run is run on the controller."""

    force_persistence = True
    _remote_is_local = True

    def __init__(self, play_context, new_stdin=None, *args, **kwargs):
        super().__init__(play_context, new_stdin, *args, **kwargs)
        from ansible.plugins.connection.local import Connection

        self._messages = []
        self._conn_closed = False
        self._network_os = getattr(play_context, "network_os", None)
        self._local = Connection(play_context, os.devnull)
        self._sub_plugin = {}
        self._cached_variables = (None, None, None)
        self._ansible_playbook_pid = kwargs.get("ansible_playbook_pid")

    def __getattr__(self, name):
        if not name.startswith("_"):
            plugin = self.__dict__.get("_sub_plugin", {}).get("obj")
            method = getattr(plugin, name, None) if plugin is not None else None
            if method is not None:
                return method
        raise AttributeError("'%s' object has no attribute '%s'" % (type(self).__name__, name))

    def exec_command(self, cmd, in_data=None, sudoable=True):
        return self._local.exec_command(cmd, in_data, sudoable)

    def put_file(self, in_path, out_path):
        return self._local.put_file(in_path, out_path)

    def fetch_file(self, in_path, out_path):
        return self._local.fetch_file(in_path, out_path)

    def queue_message(self, level, message):
        self._messages.append((level, message))

    def pop_messages(self):
        messages, self._messages = self._messages, []
        return messages

    def reset(self):
        self.close()

    def close(self):
        self._conn_closed = True
        self._connected = False
