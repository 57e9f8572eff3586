"""Connection plugins: made for a host, and asked to run commands and to bring files."""

import base64
import os


class Verbs:
    def __init__(self, worker):
        self._worker = worker
        self._open = {}
        self._count = 0
        self._screen = None

    def declare(self, frame):
        """The variables that the options of a plugin are set by."""
        from _trueup.options import declared

        names = []
        for option in declared(frame["path"], "connection").values():
            for entry in (option or {}).get("vars") or []:
                name = entry.get("name") if isinstance(entry, dict) else entry
                if name not in names:
                    names.append(name)
        return names

    def open(self, frame):
        from ansible.errors import AnsibleError
        from _trueup import screen
        from _trueup.lookups import adopt

        if self._screen is None:
            self._screen = screen.Screen(self._worker, dict(frame["state"], colour=False, columns=79))
        state = frame["state"]
        with self._screen:
            module = self._worker.places.load(frame["path"], "connection", frame.get("module"))
            kind = getattr(module, "Connection", None)
            if kind is None:
                raise AnsibleError("the connection plugin %s has no Connection" % frame["path"])
            missing = [name for name in ("exec_command", "put_file") if not hasattr(kind, name)]
            if missing:
                raise AnsibleError("the connection plugin %s has no %s" % (frame["path"], missing[0]))
            context = play_context(state)
            adopt(kind, module, "connection", frame["name"], frame["path"], frame.get("module"))
            stdin = open(os.devnull, encoding="utf-8")  # it stays as long as the connection
            connection = kind(context, stdin, task_uuid="", ansible_playbook_pid=str(os.getppid()))
            connection.set_options(task_keys=keywords(state), var_options=frame["vars"])
        self._count += 1
        self._open[self._count] = connection
        return {"id": self._count, "input": bool(connection.has_pipelining)}

    def _connection(self, frame):
        connection = self._open.get(frame["id"])
        if connection is None:
            raise NoSuchConnection("the connection was made by an interpreter that has ended")
        return connection

    def execute(self, frame):
        from ansible.errors import AnsibleError

        connection = self._connection(frame)
        method = frame.get("become_method")
        connection.become = None if method is None else Become(method)
        connection._play_context.become = method is not None
        connection._play_context.become_method = method
        given = frame.get("in_data")
        given = base64.b64decode(given) if given is not None else None
        with self._screen:
            done = connection.exec_command(frame["cmd"], in_data=given, sudoable=True)
        if not isinstance(done, (tuple, list)) or len(done) != 3:
            raise AnsibleError(
                "the connection plugin was expected to return a status and two outputs, got %r instead" % (done,)
            )
        rc, stdout, stderr = done
        return {"rc": int(rc or 0), "stdout": _written(stdout), "stderr": _written(stderr)}

    def put(self, frame):
        connection = self._connection(frame)
        with self._screen:
            connection.put_file(frame["from"], frame["to"])

    def close(self, frame):
        connection = self._open.pop(frame["id"], None)
        if connection is not None:
            with self._screen:
                connection.close()


class NoSuchConnection(Exception):
    """The interpreter is another one than that which made the connection."""


def _written(output):
    """What was printed, as it travels: plugins have it as bytes, text or a file."""
    if hasattr(output, "read"):
        output = output.read()
    if isinstance(output, str):
        output = output.encode("utf-8", "surrogateescape")
    return base64.b64encode(bytes(output or b"")).decode("ascii")


class Become:
    """How another user is become, for plugins that look: the command says it already, and the
    password goes where the command reads."""

    success = ""
    prompt = None

    def __init__(self, method):
        self.name = self._load_name = method

    def get_option(self, option, playcontext=None, hostvars=None):
        return None

    def expect_prompt(self):
        return False

    def check_success(self, b_output):
        return True

    def check_password_prompt(self, b_output):
        return False

    def check_incorrect_password(self, b_output):
        return False

    def check_missing_password(self, b_output):
        return False

    def strip_become_prompt(self, output):
        return output

    strip_become_success = strip_become_prompt


def play_context(state):
    """What is known of the way to the host."""
    from _trueup.told import PlayContext

    context = PlayContext(state)
    for name in ("port", "timeout", "executable", "password", "private_key_file"):
        setattr(context, name, state.get(name))
    context.remote_addr = state["address"]
    context.shell = None
    context.prompt = None
    context.success_key = None
    context.no_log = False
    context.network_os = state.get("network_os")
    context.update_vars = lambda variables: None
    return context


def keywords(state):
    """What keywords of the task and options of the command line say, for options that name them."""
    names = ("remote_user", "port", "timeout", "password", "connection", "private_key_file")
    return {name: state[name] for name in names if state.get(name) is not None}
