"""The screen of one module on hosts, for plugins that change a part of it."""

DOCUMENTATION = """
name: minimal
type: stdout
short_description: the screen of one module
extends_documentation_fragment: [result_format_callback]
"""

from ansible import constants as C
from ansible.plugins.callback import CallbackBase


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "minimal"

    def _command_generic_msg(self, host, result, caption):
        said = "".join(result.get(key, "") for key in ("stdout", "stderr", "msg"))
        return "%s | %s | rc=%s >>\n%s\n" % (host, caption, result.get("rc", -1), said)

    def _line(self, result, word, mark, is_command):
        host = result._host.get_name()
        if is_command and result._task.action in C.MODULE_NO_JSON:
            return self._command_generic_msg(host, result._result, word)
        return "%s | %s => %s" % (host, mark, self._dump_results(result._result, indent=4))

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self._handle_exception(result._result)
        self._handle_warnings(result._result)
        line = self._line(result, "FAILED", "FAILED!", "module_stderr" not in result._result)
        self._display.display(line, color=C.COLOR_ERROR)

    def v2_runner_on_ok(self, result):
        self._clean_results(result._result, result._task.action)
        self._handle_warnings(result._result)
        is_changed = result._result.get("changed", False)
        word, color = ("CHANGED", C.COLOR_CHANGED) if is_changed else ("SUCCESS", C.COLOR_OK)
        line = self._line(result, word, word, "ansible_job_id" not in result._result)
        self._display.display(line, color=color)

    def v2_runner_on_skipped(self, result):
        self._display.display("%s | SKIPPED" % result._host.get_name(), color=C.COLOR_SKIP)

    def v2_runner_on_unreachable(self, result):
        line = self._line(result, "", "UNREACHABLE!", False)
        self._display.display(line, color=C.COLOR_UNREACHABLE)

    def v2_on_file_diff(self, result):
        if result._result.get("diff"):
            self._display.display(self._get_diff(result._result["diff"]))
