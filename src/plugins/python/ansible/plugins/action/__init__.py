"""Action plugins: what they inherit, and Ansible's own by name."""

import sys
import types

from ansible.errors import AnsibleActionFail, AnsibleActionSkip, AnsibleError  # noqa: F401
from ansible.plugins import AnsiblePlugin
from ansible.utils.display import Display

from _trueup import actions as _actions
from _trueup.action_methods import Methods

display = Display()


class ActionBase(Methods, AnsiblePlugin):
    """Work that begins in the controller, for one task on one host."""

    _VALID_ARGS = frozenset()
    BYPASS_HOST_LOOP = False
    TRANSFERS_FILES = False
    _requires_connection = True
    _supports_check_mode = True
    _supports_async = False

    def __init__(self, task, connection, play_context, loader, templar, shared_loader_obj):
        super().__init__()
        self._task = task
        self._connection = connection
        self._play_context = play_context
        self._loader = loader
        self._templar = templar
        self._shared_loader_obj = shared_loader_obj
        self._cleanup_remote_tmp = False
        self._display = display
        self._used_interpreter = None
        self._discovered_interpreter_key = None

    def run(self, tmp=None, task_vars=None):
        """Refuses what the class does not do; what comes back is what results are added to."""
        result = {}
        if tmp is not None:
            display.warning("ActionModule.run() no longer honors the tmp parameter.")
        action = self._task.action
        if self._task.async_val and not self._supports_async:
            raise AnsibleActionFail("This action (%s) does not support async." % action)
        if self._task.check_mode and not self._supports_check_mode:
            raise AnsibleActionSkip("This action (%s) does not support check mode." % action)
        if self._VALID_ARGS:
            unknown = set(self._task.args).difference(self._VALID_ARGS)
            if unknown:
                raise AnsibleActionFail("Invalid options for %s: %s" % (action, ",".join(sorted(unknown))))
        if self._connection._shell.tmpdir is None and self._early_needs_tmp_path():
            self._make_tmp_path()
        return result

    def cleanup(self, force=False):
        tmp = self._connection._shell.tmpdir
        if tmp and (force or not self._task.async_val):
            self._remove_tmp_path(tmp)

    def get_plugin_option(self, plugin, option, default=None):
        try:
            return plugin.get_option(option)
        except (AttributeError, KeyError):
            return default

    def get_become_option(self, option, default=None):
        return self.get_plugin_option(self._connection.become, option, default=default)

    def get_connection_option(self, option, default=None):
        return self.get_plugin_option(self._connection, option, default=default)

    def get_shell_option(self, option, default=None):
        return self.get_plugin_option(self._connection._shell, option, default=default)

    def validate_argument_spec(
        self,
        argument_spec=None,
        mutually_exclusive=None,
        required_together=None,
        required_one_of=None,
        required_if=None,
        required_by=None,
    ):
        """Arguments as a spec wants them: the validation, and the arguments as they are with defaults."""
        from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
        from ansible.module_utils.errors import UnsupportedError

        said = ArgumentSpecValidator(
            argument_spec or {},
            mutually_exclusive=mutually_exclusive,
            required_together=required_together,
            required_one_of=required_one_of,
            required_if=required_if,
            required_by=required_by,
        ).validate(dict(self._task.args))
        if said.error_messages:
            message = said.errors.msg
            if any(isinstance(error, UnsupportedError) for error in said.errors.errors[:1]):
                message = "Unsupported parameters for (%s) module: %s" % (self._load_name, message)
            raise AnsibleActionFail(message)
        return said, said.validated_parameters

    def _find_needle(self, dirname, needle):
        """A file of the controller, in the places that a task looks in."""
        return self._loader.path_dwim_relative_stack(self._task.get_search_path(), dirname, needle)

    def _compute_environment_string(self, raw_environment_out=None):
        said = dict(self._task.environment or {})
        if isinstance(raw_environment_out, dict):
            raw_environment_out.update(said)
        return self._connection._shell.env_prefix(**said)

    def _get_remote_user(self):
        return self._play_context.remote_user

    def _is_become_unprivileged(self):
        return False

    def _parse_returned_data(self, res, profile="legacy"):
        """What a program printed that was to print JSON."""
        import json

        text = res.get("stdout", "")
        for start in (at for at in range(len(text)) if text[at] == "{"):
            try:
                return dict(json.loads(text[start:]), _ansible_parsed=True)
            except ValueError:
                continue
        return {
            "failed": True,
            "msg": "MODULE FAILURE\nSee stdout/stderr for the exact error",
            "module_stdout": text,
            "module_stderr": res.get("stderr", ""),
            "rc": res.get("rc"),
            "_ansible_parsed": False,
        }

    def _get_diff_data(self, destination, source, task_vars, content=None, source_file=True):
        import base64

        diff = {"before": "", "before_header": destination, "after_header": source}
        found = self._execute_remote_stat(destination, task_vars, checksum=False)
        if found.get("isdir"):
            return {"prepared": "diff skipped: destination is a directory"}
        if found["exists"]:
            said = self._execute_module("ansible.legacy.slurp", {"path": destination}, task_vars=task_vars)
            diff["before"] = base64.b64decode(said.get("content", "")).decode("utf-8", "replace")
        if source_file:
            with open(source, encoding="utf-8", errors="replace") as stream:
                diff["after"] = stream.read()
        else:
            diff["after"] = source if content is None else content
            diff["after_header"] = "dynamically generated"
        return diff


def _put_in(name):
    module = types.ModuleType("ansible.plugins.action." + name)
    module.ActionModule = _actions.native(name)
    module.ActionBase = ActionBase
    module.__file__ = "trueup/ansible/plugins/action/%s.py" % name
    sys.modules[module.__name__] = module
    globals()[name] = module


for _name in _actions.NATIVE:
    _put_in(_name)
