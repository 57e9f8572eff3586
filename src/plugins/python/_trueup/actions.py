"""Action plugins: their `run`, and what they ask of the host."""

import base64
import os
import shlex
import traceback

from _trueup import work_now

# Actions of Ansible's own whose work the controller does itself.
NATIVE = (
    "add_host",
    "assemble",
    "assert",
    "async_status",
    "command",
    "copy",
    "debug",
    "dnf",
    "fail",
    "fetch",
    "gather_facts",
    "group_by",
    "include_vars",
    "normal",
    "package",
    "pause",
    "raw",
    "reboot",
    "script",
    "service",
    "set_fact",
    "set_stats",
    "shell",
    "template",
    "unarchive",
    "uri",
    "validate_argument_spec",
    "wait_for_connection",
)


class Verbs:
    def __init__(self, worker):
        self._worker = worker
        self._screen = None
        self._told = None
        self._classes = {}

    def run(self, frame):
        from _trueup import screen, told

        if self._screen is None:
            self._screen = screen.Screen(self._worker, frame)
            self._told = told.Told(self._worker, frame)
        with self._screen:
            result = self._result(frame)
        return self._worker.wire.encode(result)

    def _result(self, frame):
        from ansible import errors

        plugin = None
        try:
            plugin = self._plugin(frame)
            result = plugin.run(task_vars=self._variables(frame))
        except (errors.AnsibleActionFail, errors.AnsibleActionSkip) as error:
            return dict(error.result)
        except errors.AnsibleConnectionFailure as error:
            return {"unreachable": True, "msg": str(error)}
        except errors.AnsibleError as error:
            return {"failed": True, "msg": getattr(error, "message", None) or str(error)}
        except (KeyboardInterrupt, GeneratorExit):
            raise
        except BaseException as error:  # a plugin may raise or exit as it likes
            return {
                "failed": True,
                "msg": "Unexpected failure during module execution: %s" % error,
                "exception": traceback.format_exc(),
                "stdout": "",
            }
        finally:
            self._clean(plugin)
        if not isinstance(result, dict):
            raise errors.AnsibleError(
                "the action plugin '%s' was expected to return a dictionary, got '%s' instead"
                % (frame["name"], type(result).__name__)
            )
        return result

    @staticmethod
    def _clean(plugin):
        """Takes away what the plugin had on the host; where it cannot be reached it stays there."""
        from ansible.errors import AnsibleError

        try:
            if plugin is not None and hasattr(plugin, "cleanup"):
                plugin.cleanup()
        except AnsibleError:
            pass

    def _variables(self, _frame):
        return self._worker.wire.decode({"~": "remote", "v": 1, "m": True})

    def _class(self, frame):
        path = frame["path"]
        if path not in self._classes:
            module = self._worker.places.load(path, "action", frame.get("module"))
            if not hasattr(module, "ActionModule"):
                from ansible.errors import AnsibleError

                raise AnsibleError("the action plugin %s has no ActionModule" % path)
            serve(module.ActionModule)
            self._classes[path] = module.ActionModule
        return self._classes[path]

    def _plugin(self, frame):
        from _trueup.lookups import adopt
        from _trueup.templar import Templar

        kind = self._class(frame)
        said = frame["state"]
        task = self._told.task(frame["task"])
        task.args = self._worker.wire.decode(frame["args"])
        task.environment = said["environment"]
        task.check_mode = said["check"]
        task.diff = said["diff"]
        task.no_log = said["no_log"]
        task.delegate_to = said["delegate_to"]
        task.async_val = said["async_val"]
        task.poll = said["poll"]
        search = frame["search"]
        task.get_search_path = lambda: list(search)
        loader = self._told.loader
        plugin = kind(
            task=task,
            connection=Connection(said),
            play_context=_play_context(said),
            loader=loader,
            templar=Templar(loader),
            shared_loader_obj=_Loaders(),
        )
        for name in (frame["name"],):
            adopt(plugin, None, "action", name, frame["path"], frame.get("module"))
        return plugin


def _play_context(said):
    from _trueup.told import PlayContext

    context = PlayContext(said)
    context.remote_addr = said["address"]
    context.port = said["port"]
    context.timeout = said["timeout"]
    context.no_log = said["no_log"]
    context.executable = said["executable"]
    context.become_pass = None
    context.network_os = None
    context.update_vars = lambda variables: None
    return context


class _Loaders:
    """What plugins call `_shared_loader_obj`."""

    def __getattr__(self, name):
        from ansible.plugins import loader

        return getattr(loader, name)


def ask(what, **said):
    answer = work_now().channel.ask(what, **said)
    from _trueup.wire import check

    if answer.get("kind") == "unreachable":
        from ansible.errors import AnsibleConnectionFailure

        raise AnsibleConnectionFailure(answer["wrong"])
    check(answer)
    return answer.get("value")


class Shell:
    """How command lines are written for the host: for a POSIX shell."""

    SHELL_FAMILY = "sh"
    ECHO = "echo"
    COMMAND_SEP = ";"
    _SHELL_AND = "&&"
    _SHELL_OR = "||"
    _SHELL_SUB_LEFT = '"`'
    _SHELL_SUB_RIGHT = '`"'
    _SHELL_REDIRECT_ALLNULL = "> /dev/null 2>&1"

    def __init__(self, executable):
        self.executable = executable
        self.tmpdir = None

    def get_option(self, name, hostvars=None):
        return {"remote_tmp": "~/.ansible/tmp", "system_tmpdirs": ["/var/tmp", "/tmp"], "admin_users": ["root"]}.get(name)

    def join_path(self, *parts):
        return os.path.join(*parts)

    def path_has_trailing_slash(self, path):
        return path.endswith("/")

    def quote(self, text):
        return shlex.quote(text)

    def get_remote_filename(self, path):
        return os.path.basename(path.strip())

    def remove(self, path, recurse=False):
        return "rm -f %s%s" % ("-r " if recurse else "", self.quote(path))

    def exists(self, path):
        return "test -e %s" % self.quote(path)

    def chmod(self, paths, mode):
        return " ".join(["chmod", self.quote(mode)] + [self.quote(path) for path in paths])

    def chown(self, paths, user):
        return " ".join(["chown", self.quote(user)] + [self.quote(path) for path in paths])

    def chgrp(self, paths, group):
        return " ".join(["chgrp", self.quote(group)] + [self.quote(path) for path in paths])

    def expand_user(self, home, username=""):
        if home != "~" and not home[1:].isidentifier():
            home = self.quote(home)
        return "echo %s" % home

    def pwd(self):
        return "pwd"

    def append_command(self, cmd, cmd_to_append):
        return "%s && %s" % (cmd, cmd_to_append) if cmd else cmd_to_append

    def env_prefix(self, **settings):
        return " ".join("%s=%s" % (name, self.quote(str(value))) for name, value in settings.items())

    def wrap_for_exec(self, cmd):
        return cmd


class Connection:
    """The host of the task, over the channel that the controller has to it."""

    has_pipelining = True
    has_native_async = False
    always_pipeline_modules = False
    allow_executable = True
    allow_extras = False
    module_implementation_preferences = ("",)
    become_methods = ()
    force_persistence = False
    supports_persistence = False

    def __init__(self, said):
        self._said = said
        self.transport = said["connection"]
        self._load_name = said["connection"]
        self.ansible_name = said["connection"]
        self.host = said["address"]
        self.user = said["remote_user"]
        self.become = _Become(said) if said["become"] else None
        self._shell = Shell(said["executable"])
        self._play_context = None
        self._connected = True
        self._socket_path = None
        self.socket_path = None

    connected = property(lambda self: self._connected)

    def _connect(self):
        return self

    def close(self):
        pass

    def reset(self):
        pass

    def set_options(self, *_more, **_named):
        pass

    def get_option(self, option, hostvars=None):
        known = {
            "host": self.host,
            "remote_addr": self.host,
            "remote_user": self.user,
            "port": self._said["port"],
            "timeout": self._said["timeout"],
            "pipelining": True,
        }
        plugin = self._said.get("plugin")
        if plugin:
            from _trueup.connections import keywords
            from _trueup.options import declared, resolved

            options = declared(plugin["path"], "connection")
            if option in options:
                named = ("connection", plugin["name"])
                return resolved(options, option, named, {}, plugin["vars"], keywords=keywords(plugin["state"]))[0]
        if option not in known:
            raise KeyError("the connection has no option '%s' here" % option)
        return known[option]

    def has_option(self, option):
        try:
            self.get_option(option)
        except KeyError:
            return False
        return True

    def exec_command(self, cmd, in_data=None, sudoable=True):
        said = execute(cmd, in_data=in_data)
        return said["rc"], said["stdout"].encode("utf-8"), said["stderr"].encode("utf-8")

    def put_file(self, in_path, out_path):
        ask("put", path=os.path.abspath(in_path), dest=out_path)

    def fetch_file(self, in_path, out_path):
        content = base64.b64decode(ask("fetch", path=in_path))
        with open(out_path, "wb") as stream:
            stream.write(content)


class _Become:
    def __init__(self, said):
        self.name = self._load_name = said["become_method"]
        self._options = {"become_user": said["become_user"], "become_pass": None}

    def get_option(self, option, playcontext=None, hostvars=None):
        return self._options.get(option)

    def expect_prompt(self):
        return False


def execute(cmd, in_data=None, executable=None, chdir=None):
    """Runs a command line on the host."""
    from ansible.module_utils.common.text.converters import to_text

    said = {"cmd": to_text(cmd), "executable": executable, "chdir": chdir}
    if in_data is not None:
        said["in_data"] = to_text(in_data)
    return ask("command", **said)


def execute_module(task, name=None, arguments=None, wrap_async=False):
    """Runs a module on the host, of whatever kind."""
    wire = work_now().wire
    if arguments is None:
        arguments = task.args
    given = {key: value for key, value in arguments.items() if not str(key).startswith("_ansible_")}
    if "tmpdir" in arguments:
        given.pop("_ansible_tmpdir", None)
    result = wire.decode(
        ask("module", name=name or task.action, args=wire.encode(given), wrap_async=bool(wrap_async), check=bool(task.check_mode))
    )
    if result.get("unreachable"):
        from ansible.errors import AnsibleConnectionFailure

        raise AnsibleConnectionFailure(result.get("msg", "the host cannot be reached"))
    return result


def run_native(task, name):
    """Runs an action of Ansible's own, by what the controller has for it."""
    wire = work_now().wire
    if name == "normal":
        return execute_module(task)
    given = {key: value for key, value in task.args.items() if not str(key).startswith("_ansible_")}
    return wire.decode(ask("action", name=name, args=wire.encode(given), check=bool(task.check_mode)))


def native(name):
    """The class of an action of Ansible's own."""
    from ansible.plugins.action import ActionBase

    class ActionModule(ActionBase):
        TRANSFERS_FILES = name in ("assemble", "copy", "fetch", "script", "template", "unarchive")
        _supports_async = name in ("normal", "command", "shell", "gather_facts")

        def run(self, tmp=None, task_vars=None):
            result = super().run(tmp, task_vars)
            result.update(run_native(self._task, name))
            return result

    ActionModule.__module__ = "ansible.plugins.action." + name
    return ActionModule


def serve(kind):
    """Has a class, and those above it, do on the host what the controller does there."""
    from _trueup import action_methods

    for above in kind.__mro__:
        package, _, name = above.__module__.rpartition(".")
        if above.__module__ == "ansible.plugins.action" and above.__name__ == "ActionBase":
            if not getattr(above, "_trueup_serves", False):
                for method in action_methods.NAMES:
                    setattr(above, method, getattr(action_methods.Methods, method))
                above._trueup_serves = True
                _serve_loader()
        elif package == "ansible.plugins.action" and name in NATIVE and above is not kind:
            _serve_native(above, name)


def _serve_native(kind, name):
    if "run" in kind.__dict__ and not getattr(kind.run, "_trueup_serves", False):
        kind.run = _run_of(name)


def _serve_loader():
    """Has Ansible's own actions that others make by their names do what the controller does."""
    from ansible.plugins import loader

    known = getattr(loader, "action_loader", None)
    original = getattr(known, "get", None)
    if original is None or isinstance(known, getattr(loader, "_Actions", ())):
        return

    def get(name, *arguments, **named):
        kind = original(name, class_only=True)
        package, _, short = getattr(kind, "__module__", "").rpartition(".")
        if package == "ansible.plugins.action" and short in NATIVE:
            _serve_native(kind, short)
        return original(name, *arguments, **named)

    known.get = get


def _run_of(name):
    def run(self, tmp=None, task_vars=None):
        return run_native(self._task, name)

    run._trueup_serves = True
    return run
