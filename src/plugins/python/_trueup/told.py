"""What callback plugins are told with: plays, tasks, hosts, results and counts."""

import copy
import os

_KEPT = ("_ansible_verbose_always", "_ansible_item_label", "_ansible_no_log", "_ansible_verbose_override")
_WAYS = ("ansible_host", "ansible_port", "ansible_user", "ansible_connection")
_HIDDEN = "the output has been hidden due to the fact that 'no_log: true' was specified for this result"


class Told:
    """Makes the arguments of a callback's method out of an event."""

    def __init__(self, worker, frame):
        from ansible import context

        self.worker = worker
        self._frame = frame
        self._hosts = {}
        self._tasks = {}
        self._plays = {}
        self._counts = Counts()
        self.loader = _loader(worker.places.playbook_folder)
        try:
            from ansible.module_utils.common.collections import ImmutableDict

            context.CLIARGS = ImmutableDict(frame["options"])
        except ImportError:
            context.CLIARGS = dict(frame["options"])
        context.cliargs_deferred_get = _deferred(context)

    def event(self, on, frame):
        """The method, its arguments, and those that have names; `None` where there is none."""
        make = getattr(self, "_" + on)
        return make(frame)

    def host(self, name):
        if name not in self._hosts:
            self._hosts[name] = Host(self.worker, name)
        return self._hosts[name]

    def play(self, said):
        known = self._plays.get(said["uuid"])
        if known is None or "name" in said:
            known = self._plays.setdefault(said["uuid"], Play(self, said["uuid"]))
            known._tell(said)
        return known

    def task(self, said):
        """A task: told in full when it is announced, and by its number from then on."""
        uuid = said["uuid"]
        if "action" in said:
            self._tasks[uuid] = kind_of(said)(self, said)
        return self._tasks.get(uuid) or Task(self, {"uuid": uuid, "name": "", "action": "", "args": {}})

    def result(self, frame):
        task = self.task(frame["task"])
        said = frame["result"]
        decode = self.worker.wire.decode
        if "args" in said or "delegate_to" in said:
            task = copy.copy(task)
            if "args" in said:
                task.args = decode(said["args"])
                if task.action.rpartition(".")[2] == "shell":
                    task.args["_uses_shell"] = True
            if said.get("delegate_to"):
                task.delegate_to = said["delegate_to"]
        fields = decode(said["fields"])
        return TaskResult(self.host(frame["host"]), task, fields, task._fields(), is_hidden=said["no_log"])

    # Events.

    def _start(self, frame):
        plays = [self.play(play) for play in frame["plays"]]
        playbook = Playbook(frame["file"], plays, self)
        return "v2_playbook_on_start", [playbook], {}

    def _play_context(self, _frame):
        return "set_play_context", [PlayContext(self._frame["options"])], {}

    def _play(self, frame):
        return "v2_playbook_on_play_start", [self.play(frame["play"])], {}

    def _prompt(self, frame):
        named = {
            name: frame[name]
            for name in ("encrypt", "confirm", "salt_size", "salt", "default", "unsafe")
        }
        arguments = [frame["name"], frame["private"], frame["prompt"]] + list(named.values())
        return "v2_playbook_on_vars_prompt", arguments, {}

    def _no_hosts_matched(self, _frame):
        return "v2_playbook_on_no_hosts_matched", [], {}

    def _no_hosts_remaining(self, _frame):
        return "v2_playbook_on_no_hosts_remaining", [], {}

    def _task(self, frame):
        return "v2_playbook_on_task_start", [self.task(frame["task"])], {"is_conditional": False}

    def _handler(self, frame):
        return "v2_playbook_on_handler_task_start", [self.task(frame["task"])], {}

    def _host_start(self, frame):
        return "v2_runner_on_start", [self.host(frame["host"]), self.task(frame["task"])], {}

    def _result(self, frame):
        result = self.result(frame)
        named = {}
        if frame["method"] == "v2_runner_on_failed":
            is_unsaid = not frame["ignored"] and result._task.ignore_errors is None
            named["ignore_errors"] = None if is_unsaid else frame["ignored"]
        return frame["method"], [result], named

    def _include(self, frame):
        hosts = [self.host(name) for name in frame["hosts"]]
        task = self.task(frame["task"]) if "task" in frame else None
        return "v2_playbook_on_include", [IncludedFile(frame["file"], hosts, frame.get("label"), task)], {}

    def _notify(self, frame):
        return "v2_playbook_on_notify", [self.task(frame["task"]), self.host(frame["host"])], {}

    def _custom(self, frame):
        self._counts._add(frame["name"], self.worker.wire.decode(frame["value"]), frame.get("host"), frame["aggregate"])

    def _stats(self, frame):
        self._counts._set(frame["hosts"])
        return "v2_playbook_on_stats", [self._counts], {}


def _loader(folder):
    from ansible.parsing.dataloader import DataLoader

    loader = DataLoader()
    loader.set_basedir(folder)
    return loader


def _command_line(name, default):
    from ansible import context

    return context.CLIARGS.get(name) or default


def _deferred(context):
    def deferred(key, default=None, shallowcopy=False):
        def inner():
            value = context.CLIARGS.get(key, default)
            return copy.copy(value) if shallowcopy else value

        return inner

    return deferred


class _Named:
    def get_name(self):
        return self.name

    def __str__(self):
        return self.name

    __repr__ = __str__


class Host(_Named):
    """A host of the inventory: what it has is asked for when it is looked at."""

    def __init__(self, worker, name):
        self.name = name
        self.address = name
        self._uuid = name
        self.implicit = False
        self._worker = worker
        self._said = None

    def _look(self):
        if self._said is None:
            said = self._worker.ask("host", name=self.name) or {}
            wire = self._worker.wire
            self._said = {
                "vars": wire.decode(said.get("vars", {})),
                "groups": [Group(name, wire.decode(said["groups"][name])) for name in said.get("groups", {})],
            }
        return self._said

    @property
    def vars(self):
        return self._look()["vars"]

    @property
    def groups(self):
        return self._look()["groups"]

    def get_groups(self):
        return self.groups

    def get_vars(self):
        return dict(self.vars, **self.get_magic_vars())

    def get_magic_vars(self):
        names = sorted(group.name for group in self.groups if group.name != "all")
        return {
            "inventory_hostname": self.name,
            "inventory_hostname_short": self.name.split(".")[0],
            "group_names": names,
        }

    def __eq__(self, other):
        return getattr(other, "name", None) == self.name

    def __hash__(self):
        return hash(self.name)


class Group(_Named):
    def __init__(self, name, variables):
        self.name = name
        self.vars = variables

    def get_vars(self):
        return dict(self.vars)


class Role(_Named):
    def __init__(self, said):
        self.name = said["name"]
        self._role_name = said["short"]
        self._role_path = said["path"]
        self._role_collection = said.get("collection")
        self._uuid = said["path"]

    def get_name(self, include_role_fqcn=True):
        return self.name if include_role_fqcn else self._role_name

    def get_role_path(self):
        return self._role_path


class Task:
    """A task or handler."""

    def __init__(self, told, said):
        self._told = told
        self._uuid = said["uuid"]
        self._said = said
        decode = told.worker.wire.decode
        self._role = Role(said["role"]) if said.get("role") else None
        self.name = said["name"]
        self.action = said["action"]
        self.resolved_action = said.get("resolved")
        self.args = decode(said.get("args") or {})
        self.implicit = said.get("implicit", False)
        self.path = said.get("path", "")
        self._parent = None
        self._loader = told.loader
        self._play = None
        self.collections = []
        for name, default in _TASK.items():
            value = decode(said[name]) if name in said else copy.copy(default)
            setattr(self, name, value)
        if self.connection is None:
            # What variables say of it is not known to a task.
            self.connection = _command_line("connection", "ssh")

    def _fields(self):
        fields = {name: getattr(self, name) for name in _TASK}
        fields.update(name=self.name, action=self.action, args=self.args)
        return fields

    def get_name(self, include_role_fqcn=True):
        name = self.name or self.action
        if self._role is None or (self._said.get("bare") and self.name):
            return name
        return "%s : %s" % (self._role.get_name(include_role_fqcn), name)

    def get_path(self):
        return self.path

    @property
    def _ds(self):
        """The task as it is written, as far as it was told."""
        args = dict(self.args)
        free = args.pop("_raw_params", None)
        said = {"name": self.name} if self.name else {}
        said[self.action] = args if free is None else free
        if free is not None and args:
            said["args"] = args
        for name in _TASK:
            if name in self._said and self._said[name] not in (None, [], {}, False):
                said[name] = getattr(self, name)
        return said

    def get_ds(self):
        return self._ds

    def get_vars(self):
        return dict(self.vars)

    def get_loader(self):
        return self._loader

    def get_first_parent_include(self):
        return None

    def get_dep_chain(self):
        return None

    def dump_attrs(self):
        return self._fields()

    def get_variable_manager(self):
        return VariableManager(self._told)

    def copy(self, *_more, **_named):
        return copy.copy(self)

    def __repr__(self):
        return self.get_name() if self.name or self._role else "TASK: %s" % self.action

    def __str__(self):
        return "TASK: %s" % self.get_name()


_TASK = {
    "tags": [],
    "when": [],
    "loop": None,
    "loop_with": None,
    "loop_control": None,
    "register": None,
    "delegate_to": None,
    "delegate_facts": None,
    "no_log": False,
    "check_mode": None,
    "diff": None,
    "become": None,
    "become_user": None,
    "become_method": None,
    "connection": None,
    "ignore_errors": None,
    "ignore_unreachable": None,
    "run_once": None,
    "any_errors_fatal": False,
    "environment": [],
    "vars": {},
    "notify": None,
    "listen": [],
    "async_val": 0,
    "poll": 15,
    "retries": None,
    "delay": 5,
    "until": [],
    "changed_when": [],
    "failed_when": [],
    "throttle": 0,
    "timeout": None,
    "remote_user": None,
    "port": None,
}


_INCLUDES = ("include_tasks", "include_role")


def kind_of(said):
    """The class of a task; includes are what plugins look for by Ansible's classes."""
    name = said["action"].rpartition(".")[2]
    if name not in _INCLUDES:
        return Task
    if name not in _KINDS:
        if name == "include_role":
            from ansible.playbook.role_include import IncludeRole as like
        else:
            from ansible.playbook.task_include import TaskInclude as like
        # What is made has the fields of ours, and passes for one of theirs.
        passes = {"__class__": property(lambda self: like)}
        _KINDS[name] = like if issubclass(like, Task) else type(like.__name__, (Task,), passes)
    return _KINDS[name]


_KINDS = {}


class Play:
    def __init__(self, told, uuid):
        self._told = told
        self._uuid = uuid
        self.name = ""
        self._loader = told.loader

    def _tell(self, said):
        decode = self._told.worker.wire.decode
        self.name = said["name"]
        self.hosts = said["hosts"]
        self.vars = decode(said["vars"])
        self.tags = said["tags"]
        self.path = said["path"]
        self.roles = [Role(role) for role in said["roles"]]
        for name in ("strategy", "serial", "gather_facts", "become", "become_user", "check_mode", "diff", "remote_user",
                     "connection", "no_log", "any_errors_fatal", "max_fail_percentage", "force_handlers"):
            setattr(self, name, decode(said["keywords"].get(name)))
        if self.strategy is None:
            self.strategy = "linear"
        self._variable_manager = VariableManager(self._told)

    def get_name(self):
        return self.name

    def get_path(self):
        return self.path

    def get_vars(self):
        return dict(self.vars)

    def get_roles(self):
        return list(self.roles)

    def get_loader(self):
        return self._loader

    def get_ds(self):
        return None

    def get_variable_manager(self):
        return self._variable_manager

    def __repr__(self):
        return self.name

    __str__ = __repr__


class VariableManager:
    def __init__(self, told):
        self._told = told

    @property
    def extra_vars(self):
        return self._told.worker.ask_value("extra_vars")

    _extra_vars = extra_vars

    def get_vars(self, play=None, host=None, task=None, include_hostvars=True, include_delegate_to=True, **_more):
        name = getattr(host, "name", None)
        found = self._told.worker.ask_value("host_variables", name=name)
        found["omit"] = "__omit_place_holder__"
        return found


class Playbook:
    def __init__(self, path, plays, told):
        self._file_name = path
        self._basedir = os.path.dirname(os.path.abspath(path))
        self._entries = plays
        self._told = told
        self._loader = told.loader

    def get_plays(self):
        return list(self._entries)

    def get_loader(self):
        return self._loader


class PlayContext:
    """What of the command line holds for all tasks."""

    def __init__(self, options):
        self.check_mode = options["check"]
        self.diff = options["diff"]
        self.verbosity = options["verbosity"]
        self.remote_user = options.get("remote_user")
        self.become = options.get("become", False)
        self.become_user = options.get("become_user")
        self.become_method = options.get("become_method")
        self.connection = options.get("connection")
        self.start_at_task = options.get("start_at_task")
        self.force_handlers = options.get("force_handlers", False)
        self.step = options.get("step", False)
        self.only_tags = set(options.get("tags") or ["all"])
        self.skip_tags = set(options.get("skip_tags") or [])
        self.password = None
        self.become_pass = None


class IncludedFile:
    def __init__(self, path, hosts, label, task):
        self._filename = path
        self._hosts = hosts
        self._args = {}
        self._vars = {} if label is None else {"_ansible_item_label": label, "item": label}
        self._task = task
        self._is_role = getattr(task, "action", "").endswith("include_role")

    def __repr__(self):
        return "%s (args=%s vars=%s): %s" % (self._filename, self._args, self._vars, self._hosts)


class TaskResult:
    """What came of a task on a host, or of one item of its loop."""

    def __init__(self, host, task, return_data, task_fields=None, is_hidden=False):
        self._host = host
        self._task = task
        self._result = return_data
        self._task_fields = task_fields or {}
        self._is_hidden = is_hidden

    @property
    def task_name(self):
        return self._task_fields.get("name") or self._task.get_name()

    host = property(lambda self: self._host)
    task = property(lambda self: self._task)

    def is_changed(self):
        return self._has("changed")

    def is_failed(self):
        items = self._items()
        if "failed_when_result" in self._result or any("failed_when_result" in item for item in items):
            return self._has("failed_when_result")
        return self._has("failed")

    def is_skipped(self):
        items = self._items()
        if items:
            return all(item.get("skipped", False) for item in items)
        return self._result.get("skipped", False)

    def is_unreachable(self):
        return self._has("unreachable")

    def _items(self):
        items = self._result.get("results")
        return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []

    def _has(self, key):
        if isinstance(self._result.get("results"), list):
            return any(item.get(key, False) for item in self._items())
        return self._result.get(key, False)

    def needs_debugger(self, globally_enabled=False):
        return False

    def clean_copy(self):
        """The result as plugins get it: without what is said by the event, and without secrets."""
        dropped = ["failed", "skipped"]
        if self._task.action in ("debug", "ansible.builtin.debug", "ansible.legacy.debug"):
            dropped.append("invocation")
        made = TaskResult(self._host, self._task, {}, self._task_fields, self._is_hidden)
        if self._is_hidden:
            made._result = _censored(self._result)
        else:
            made._result = _cleaned(copy.deepcopy(self._result))
            for key in dropped:
                made._result.pop(key, None)
        delegated = self._result.get("_ansible_delegated_vars")
        if delegated:
            made._result["_ansible_delegated_vars"] = {
                key: delegated[key] for key in _WAYS + ("ansible_delegated_host",) if key in delegated
            }
        return made


def _censored(result):
    made = {"censored": _HIDDEN}
    for key in ("attempts", "changed", "retries"):
        if key in result:
            made[key] = result[key]
    return made


def _cleaned(value):
    if isinstance(value, dict):
        return {
            key: _cleaned(item)
            for key, item in value.items()
            if not (isinstance(key, str) and key.startswith("_ansible_") and key not in _KEPT)
        }
    if isinstance(value, list):
        return [_cleaned(item) for item in value]
    return value


class Counts:
    """How tasks ended, by host."""

    _KINDS = ("ok", "failures", "dark", "changed", "skipped", "rescued", "ignored")

    def __init__(self):
        self.processed = {}
        self.custom = {}
        for kind in self._KINDS:
            setattr(self, kind, {})

    def _set(self, hosts):
        for name, counts in hosts.items():
            self.processed[name] = 1
            for kind in self._KINDS:
                count = counts["unreachable" if kind == "dark" else kind]
                if count:
                    getattr(self, kind)[name] = count

    def _add(self, name, value, host, aggregate):
        place = self.custom.setdefault(host or "_run", {})
        if aggregate and name in place and type(place[name]) is type(value):
            if isinstance(value, dict):
                value = {**place[name], **value}
            elif not isinstance(value, bool):
                value = place[name] + value
        place[name] = value

    def summarize(self, host):
        return {
            "ok": self.ok.get(host, 0),
            "failures": self.failures.get(host, 0),
            "unreachable": self.dark.get(host, 0),
            "changed": self.changed.get(host, 0),
            "skipped": self.skipped.get(host, 0),
            "rescued": self.rescued.get(host, 0),
            "ignored": self.ignored.get(host, 0),
        }
