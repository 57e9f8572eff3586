"""Settings, as ansible.cfg and the environment say them."""

BOOL_TRUE = frozenset(("true", "t", "1", "1.0", "yes", "y", "on"))
BOOLEANS_TRUE = ("y", "yes", "on", "1", "true", "t", 1, 1.0, True)
LOCALHOST = ("127.0.0.1", "localhost", "::1")
DEFAULT_BECOME_PASS = None
DOCUMENTABLE_PLUGINS = ("become", "cache", "callback", "cliconf", "connection", "httpapi", "inventory", "lookup")
YAML_FILENAME_EXTENSIONS = [".yml", ".yaml", ".json"]
COLLECTION_PTYPE_COMPAT = {"module": "modules"}
COLOR_CODES = __import__("_trueup.screen", fromlist=["COLOURS"]).COLOURS


def _names(*short):
    return frozenset(prefix + name for name in short for prefix in ("", "ansible.builtin.", "ansible.legacy."))


MODULE_NO_JSON = _names("command", "shell", "raw", "win_command", "win_shell")
_ACTION_DEBUG = _names("debug")
_ACTION_META = _names("meta")
_ACTION_SETUP = _names("setup")
_ACTION_SET_FACT = _names("set_fact")
_ACTION_INCLUDE_TASKS = _names("include_tasks")
_ACTION_INCLUDE_ROLE = _names("include_role")
_ACTION_IMPORT_ROLE = _names("import_role")
_ACTION_IMPORT_TASKS = _names("import_tasks")
_ACTION_INCLUDE_VARS = _names("include_vars")
_ACTION_IMPORT_PLAYBOOK = _names("import_playbook")
MODULE_REQUIRE_ARGS = _names("command", "shell", "raw", "script", "win_command", "win_shell")
INVALID_VARIABLE_NAMES = __import__("re").compile(r"^[\d\W]|[^\w]")


class _Config:
    def get_config_value(self, name, plugin_type=None, plugin_name=None, keys=None, variables=None, direct=None):
        return _setting(name)


config = _Config()


# What has been asked for; no setting changes during a run.
_KNOWN = {}


def _setting(name):
    if name not in _KNOWN:
        _KNOWN[name] = _asked(name)
    return _KNOWN[name]


def _asked(name):
    from _trueup import work_now

    answer = work_now().channel.ask("setting", name=name)
    from _trueup.wire import check

    check(answer)
    if "value" not in answer:
        raise AttributeError("ansible.constants has no setting '%s'" % name)
    return work_now().wire.decode(answer["value"])


def __getattr__(name):
    if name.startswith("_") or not name.isupper():
        raise AttributeError(name)
    return _setting(name)
