"""Callback plugins: what they inherit."""

import difflib
import json
import textwrap
from copy import deepcopy

from ansible import constants as C
from ansible.module_utils.common.text.converters import to_text
from ansible.parsing.ajson import AnsibleJSONEncoder
from ansible.plugins import AnsiblePlugin
from ansible.utils.color import stringc
from ansible.utils.display import Display
from ansible.vars.clean import module_response_deepcopy, strip_internal_keys

__all__ = ["CallbackBase"]

global_display = Display()


class CallbackBase(AnsiblePlugin):
    """Does nothing: methods with `v2_` call those without it."""

    _copy_result = deepcopy

    def __init__(self, display=None, options=None):
        super().__init__()
        self._display = display or global_display
        self.disabled = False
        self.wants_implicit_tasks = False
        self._plugin_options = self._options
        self._hide_in_debug = ("changed", "failed", "skipped", "invocation", "skip_reason")
        if options is not None:
            self.set_options(options)

    def get_option(self, k, hostvars=None):
        return self._options[k]

    def get_option_and_origin(self, k, hostvars=None):
        return self._options[k], self._origins[k]

    def has_option(self, option):
        return option in self._options

    def set_play_context(self, play_context):
        pass

    # What results look like.

    def _option_or(self, name, otherwise):
        try:
            return self.get_option(name)
        except KeyError:
            return otherwise

    @staticmethod
    def host_label(result):
        """The host, and the one that did the work for it."""
        name = result._host.get_name()
        other = result._task.delegate_to
        if not other or other == name:
            return name
        known = result._result.get("_ansible_delegated_vars", {}).get("ansible_host", other)
        return "%s -> %s" % (name, other) + ("" if known == other else "(%s)" % known)

    def _run_is_verbose(self, result, verbosity=0):
        if result._result.get("_ansible_verbose_override", False) is not False:
            return False
        return self._display.verbosity > verbosity or result._result.get("_ansible_verbose_always", False) is True

    def _dump_results(self, result, indent=None, sort_keys=True, keep_invocation=False, serialize=True):
        """A result as a text; without what few want to see."""
        form = self._option_or("result_format", "json")
        pretty = self._option_or("pretty_results", None)
        if pretty is False:
            indent = None
        elif not indent and (
            pretty
            or result.get("_ansible_verbose_always")
            or (pretty is None and form != "json")
            or self._display.verbosity > 2
        ):
            indent = 4
        shown = strip_internal_keys(module_response_deepcopy(result))
        if self._display.verbosity < 3:
            shown.pop("diff", None)
            if not keep_invocation:
                shown.pop("invocation", None)
        shown.pop("exception", None)
        if not serialize:
            return shown
        if form == "yaml":
            return self._as_yaml(shown, pretty in (None, True), indent or 4)
        try:
            return json.dumps(shown, cls=AnsibleJSONEncoder, indent=indent, ensure_ascii=False, sort_keys=sort_keys)
        except TypeError:
            # Keys of several kinds have no order.
            shown = dict(sorted(shown.items(), key=to_text))
            return json.dumps(shown, cls=AnsibleJSONEncoder, indent=indent, ensure_ascii=False)

    @staticmethod
    def _as_yaml(shown, is_lossy, indent):
        if is_lossy:
            for text in ("stdout", "stderr"):
                if text in shown and text + "_lines" in shown:
                    shown[text + "_lines"] = "<omitted>"
        from _trueup import work_now

        worker = work_now()
        text = worker.ask_value("filter", name="to_nice_yaml", a=[worker.wire.encode(shown)], k={"indent": 4})
        return "\n%s" % textwrap.indent(text, " " * indent)

    def _handle_warnings(self, res):
        if not C.ACTION_WARNINGS:
            return
        for warning in res.pop("warnings", None) or ():
            self._display.warning(warning)
        for said in res.pop("deprecations", None) or ():
            self._display.deprecated(**said)

    def _handle_exception(self, result, use_stderr=False):
        if "exception" not in result:
            return
        trace = to_text(result["exception"])
        if self._display.verbosity < 3:
            said = "An exception occurred during task execution. To see the full traceback, use -vvv. The error was: %s"
            said = said % trace.strip().split("\n")[-1]
        else:
            said = "The full traceback is:\n" + trace
            del result["exception"]
        self._display.display(said, color=C.COLOR_ERROR, stderr=use_stderr)

    def _serialize_diff(self, diff):
        if self._option_or("result_format", "json") == "yaml":
            return self._as_yaml(dict(diff), self._option_or("pretty_results", None) in (None, True), 4).lstrip("\n")
        return json.dumps(diff, sort_keys=True, indent=4, separators=(",", ": ")) + "\n"

    def _get_diff(self, difflist):
        """Differences as unified text."""
        parts = []
        for diff in difflist if isinstance(difflist, list) else [difflist]:
            for side, word in (("dst", "destination"), ("src", "source")):
                if side + "_binary" in diff:
                    parts.append("diff skipped: %s file appears to be binary\n" % word)
            for side, word in (("dst", "destination"), ("src", "source")):
                if side + "_larger" in diff:
                    parts.append(
                        "diff skipped: %s file size is greater than %d\n" % (word, diff[side + "_larger"])
                    )
            if "before" in diff and "after" in diff:
                parts.append(self._unified(diff))
            if "prepared" in diff:
                parts.append(diff["prepared"])
        return "".join(parts)

    def _unified(self, diff):
        heads, sides = [], []
        for side in ("before", "after"):
            content = diff[side]
            if isinstance(content, dict):
                content = self._serialize_diff(content)
            lines = (content or "").splitlines(True)
            if lines and not lines[-1].endswith("\n"):
                lines[-1] += "\n\\ No newline at end of file\n"
            sides.append(lines)
            head = side + "_header"
            heads.append("%s: %s" % (side, diff[head]) if head in diff else side)
        tones = {"+": C.COLOR_DIFF_ADD, "-": C.COLOR_DIFF_REMOVE, "@": C.COLOR_DIFF_LINES}
        lines = [
            stringc(line, tones[line[0]]) if line[0] in "+-" or line.startswith("@@") else line
            for line in difflib.unified_diff(sides[0], sides[1], heads[0], heads[1], "", "", n=C.DIFF_CONTEXT)
        ]
        return "".join(lines + ["\n"]) if lines else ""

    def _get_item_label(self, result):
        if result.get("_ansible_no_log", False):
            return "(censored due to no_log)"
        return result.get("_ansible_item_label", result.get("item"))

    def _process_items(self, result):
        del result._result["results"]

    def _clean_results(self, result, task_name):
        """`debug` shows what it was asked to show."""
        if task_name not in C._ACTION_DEBUG:
            return
        if "msg" in result:
            shown = ("msg", "exception", "warnings", "deprecations")
            hidden = [key for key in result if key not in shown and not key.startswith("_")]
        else:
            hidden = self._hide_in_debug
        for key in list(hidden):
            result.pop(key, None)

    def _print_task_path(self, task, color=None):
        path = task.get_path()
        if path:
            self._display.display("task path: %s" % path, color=color or C.COLOR_DEBUG)

    # What plugins of old have.

    def on_any(self, *args, **kwargs):
        pass

    def runner_on_failed(self, host, res, ignore_errors=False):
        pass

    def runner_on_ok(self, host, res):
        pass

    def runner_on_skipped(self, host, item=None):
        pass

    def runner_on_unreachable(self, host, res):
        pass

    def runner_on_no_hosts(self):
        pass

    def runner_on_async_poll(self, host, res, jid, clock):
        pass

    def runner_on_async_ok(self, host, res, jid):
        pass

    def runner_on_async_failed(self, host, res, jid):
        pass

    def playbook_on_start(self):
        pass

    def playbook_on_notify(self, host, handler):
        pass

    def playbook_on_no_hosts_matched(self):
        pass

    def playbook_on_no_hosts_remaining(self):
        pass

    def playbook_on_task_start(self, name, is_conditional):
        pass

    def playbook_on_vars_prompt(
        self,
        varname,
        private=True,
        prompt=None,
        encrypt=None,
        confirm=False,
        salt_size=None,
        salt=None,
        default=None,
        unsafe=None,
    ):
        pass

    def playbook_on_setup(self):
        pass

    def playbook_on_import_for_host(self, host, imported_file):
        pass

    def playbook_on_not_import_for_host(self, host, missing_file):
        pass

    def playbook_on_play_start(self, name):
        pass

    def playbook_on_stats(self, stats):
        pass

    def on_file_diff(self, host, diff):
        pass

    # What is told.

    def v2_on_any(self, *args, **kwargs):
        self.on_any(args, kwargs)

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self.runner_on_failed(result._host.get_name(), result._result, ignore_errors)

    def v2_runner_on_ok(self, result):
        self.runner_on_ok(result._host.get_name(), result._result)

    def v2_runner_on_skipped(self, result):
        if C.DISPLAY_SKIPPED_HOSTS:
            item = self._get_item_label(getattr(result._result, "results", {}))
            self.runner_on_skipped(result._host.get_name(), item)

    def v2_runner_on_unreachable(self, result):
        self.runner_on_unreachable(result._host.get_name(), result._result)

    def v2_runner_on_async_poll(self, result):
        said = result._result
        self.runner_on_async_poll(result._host.get_name(), said, said.get("ansible_job_id"), 0)

    def v2_runner_on_async_ok(self, result):
        said = result._result
        self.runner_on_async_ok(result._host.get_name(), said, said.get("ansible_job_id"))

    def v2_runner_on_async_failed(self, result):
        said = result._result
        job = said.get("ansible_job_id") or said.get("async_result", {}).get("ansible_job_id")
        self.runner_on_async_failed(result._host.get_name(), said, job)

    def v2_playbook_on_start(self, playbook):
        self.playbook_on_start()

    def v2_playbook_on_notify(self, handler, host):
        self.playbook_on_notify(host, handler)

    def v2_playbook_on_no_hosts_matched(self):
        self.playbook_on_no_hosts_matched()

    def v2_playbook_on_no_hosts_remaining(self):
        self.playbook_on_no_hosts_remaining()

    def v2_playbook_on_task_start(self, task, is_conditional):
        self.playbook_on_task_start(task.name, is_conditional)

    def v2_playbook_on_cleanup_task_start(self, task):
        pass

    def v2_playbook_on_handler_task_start(self, task):
        pass

    def v2_playbook_on_vars_prompt(
        self,
        varname,
        private=True,
        prompt=None,
        encrypt=None,
        confirm=False,
        salt_size=None,
        salt=None,
        default=None,
        unsafe=None,
    ):
        self.playbook_on_vars_prompt(varname, private, prompt, encrypt, confirm, salt_size, salt, default, unsafe)

    def v2_playbook_on_import_for_host(self, result, imported_file):
        self.playbook_on_import_for_host(result._host.get_name(), imported_file)

    def v2_playbook_on_not_import_for_host(self, result, missing_file):
        self.playbook_on_not_import_for_host(result._host.get_name(), missing_file)

    def v2_playbook_on_play_start(self, play):
        self.playbook_on_play_start(play.name)

    def v2_playbook_on_stats(self, stats):
        self.playbook_on_stats(stats)

    def v2_on_file_diff(self, result):
        if "diff" in result._result:
            self.on_file_diff(result._host.get_name(), result._result["diff"])

    def v2_playbook_on_include(self, included_file):
        pass

    def v2_runner_item_on_ok(self, result):
        pass

    def v2_runner_item_on_failed(self, result):
        pass

    def v2_runner_item_on_skipped(self, result):
        pass

    def v2_runner_retry(self, result):
        pass

    def v2_runner_on_start(self, host, task):
        pass
