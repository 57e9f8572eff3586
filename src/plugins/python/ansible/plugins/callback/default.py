"""The screen of playbooks, for plugins that change a part of it."""

DOCUMENTATION = """
name: default
type: stdout
short_description: the screen of playbooks
extends_documentation_fragment: [default_callback, result_format_callback]
"""

import os

from ansible import constants as C
from ansible import context
from ansible.playbook.task_include import TaskInclude
from ansible.plugins.callback import CallbackBase
from ansible.utils.color import colorize, hostcolor
from ansible.utils.fqcn import add_internal_fqcns

_UNBOUND = tuple(add_internal_fqcns(("free", "host_pinned")))


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "default"

    def __init__(self):
        self._play = None
        self._last_task_banner = None
        self._last_task_name = None
        self._task_type_cache = {}
        super().__init__()

    # Banners.

    def _mark(self, one):
        return " [CHECK MODE]" if one.check_mode and self.get_option("check_mode_markers") else ""

    def v2_playbook_on_play_start(self, play):
        self._play = play
        name = play.get_name().strip()
        self._display.banner(("PLAY [%s]" % name if name else "PLAY") + self._mark(play))

    def v2_playbook_on_task_start(self, task, is_conditional):
        self._task_start(task, prefix="TASK")

    def v2_playbook_on_cleanup_task_start(self, task):
        self._task_start(task, prefix="CLEANUP TASK")

    def v2_playbook_on_handler_task_start(self, task):
        self._task_start(task, prefix="RUNNING HANDLER")

    def _task_start(self, task, prefix=None):
        if prefix is not None:
            self._task_type_cache[task._uuid] = prefix
        if self._play.strategy in _UNBOUND:
            self._last_task_name = None
            return
        self._last_task_name = task.get_name().strip()
        # Where results may be hidden, the banner waits for one that is shown.
        if self.get_option("display_skipped_hosts") and self.get_option("display_ok_hosts"):
            self._print_task_banner(task)

    def _print_task_banner(self, task):
        name = self._last_task_name
        if name is None:
            name = task.get_name().strip()
        arguments = ""
        if C.DISPLAY_ARGS_TO_STDOUT and not task.no_log:
            arguments = " " + ", ".join("%s=%s" % pair for pair in task.args.items())
        word = self._task_type_cache.get(task._uuid, "TASK")
        self._display.banner("%s [%s%s]%s" % (word, name, arguments, self._mark(task)))
        if self._display.verbosity >= 2:
            self._print_task_path(task)
        self._last_task_banner = task._uuid

    def _under_banner(self, result):
        if self._last_task_banner != result._task._uuid:
            self._print_task_banner(result._task)

    # Results.

    def _is_loop(self, result):
        return bool(result._task.loop) and "results" in result._result

    def _show(self, line, result, color, verbosity=0, glue=" => "):
        if self._run_is_verbose(result, verbosity):
            line += glue + self._dump_results(result._result)
        self._display.display(line, color=color)

    def v2_runner_on_ok(self, result):
        if isinstance(result._task, TaskInclude):
            self._under_banner(result)
            return
        is_changed = result._result.get("changed", False)
        if not is_changed and not self.get_option("display_ok_hosts"):
            return
        self._under_banner(result)
        self._handle_warnings(result._result)
        if self._is_loop(result):
            self._process_items(result)
            return
        label = self.host_label(result)
        self._clean_results(result._result, result._task.action)
        word, color = ("changed", C.COLOR_CHANGED) if is_changed else ("ok", C.COLOR_OK)
        self._show("%s: [%s]" % (word, label), result, color)

    def v2_runner_on_failed(self, result, ignore_errors=False):
        to_stderr = self.get_option("display_failed_stderr")
        self._clean_results(result._result, result._task.action)
        self._under_banner(result)
        self._handle_exception(result._result, use_stderr=to_stderr)
        self._handle_warnings(result._result)
        if self._is_loop(result):
            self._process_items(result)
        else:
            if self._display.verbosity < 2 and self.get_option("show_task_path_on_failure"):
                self._print_task_path(result._task)
            line = "fatal: [%s]: FAILED! => %s" % (self.host_label(result), self._dump_results(result._result))
            self._display.display(line, color=C.COLOR_ERROR, stderr=to_stderr)
        if ignore_errors:
            self._display.display("...ignoring", color=C.COLOR_SKIP)

    def v2_runner_on_skipped(self, result):
        if not self.get_option("display_skipped_hosts"):
            return
        self._clean_results(result._result, result._task.action)
        self._under_banner(result)
        if self._is_loop(result):
            self._process_items(result)
        self._show("skipping: [%s]" % result._host.get_name(), result, C.COLOR_SKIP)

    def v2_runner_on_unreachable(self, result):
        self._under_banner(result)
        line = "fatal: [%s]: UNREACHABLE! => %s" % (self.host_label(result), self._dump_results(result._result))
        self._display.display(
            line, color=C.COLOR_UNREACHABLE, stderr=self.get_option("display_failed_stderr")
        )
        if result._task.ignore_unreachable:
            self._display.display("...ignoring", color=C.COLOR_SKIP)

    # Items.

    def v2_runner_item_on_ok(self, result):
        if isinstance(result._task, TaskInclude):
            return
        is_changed = result._result.get("changed", False)
        if not is_changed and not self.get_option("display_ok_hosts"):
            return
        self._under_banner(result)
        word, color = ("changed", C.COLOR_CHANGED) if is_changed else ("ok", C.COLOR_OK)
        line = "%s: [%s] => (item=%s)" % (word, self.host_label(result), self._get_item_label(result._result))
        self._clean_results(result._result, result._task.action)
        self._show(line, result, color)

    def v2_runner_item_on_failed(self, result):
        to_stderr = self.get_option("display_failed_stderr")
        self._under_banner(result)
        self._clean_results(result._result, result._task.action)
        self._handle_exception(result._result, use_stderr=to_stderr)
        self._handle_warnings(result._result)
        line = "failed: [%s] (item=%s) => %s" % (
            self.host_label(result),
            self._get_item_label(result._result),
            self._dump_results(result._result),
        )
        self._display.display(line, color=C.COLOR_ERROR, stderr=to_stderr)

    def v2_runner_item_on_skipped(self, result):
        if not self.get_option("display_skipped_hosts"):
            return
        self._under_banner(result)
        self._clean_results(result._result, result._task.action)
        line = "skipping: [%s] => (item=%s) " % (result._host.get_name(), self._get_item_label(result._result))
        self._show(line, result, C.COLOR_SKIP)

    # What else there is to see.

    def v2_on_file_diff(self, result):
        items = result._result["results"] if self._is_loop(result) else [result._result]
        for item in items:
            if not (item.get("diff") and item.get("changed", False)):
                continue
            text = self._get_diff(item["diff"])
            if text:
                self._under_banner(result)
                self._display.display(text)

    def v2_playbook_on_include(self, included_file):
        hosts = ", ".join(host.name for host in included_file._hosts)
        line = "included: %s for %s" % (included_file._filename, hosts)
        label = self._get_item_label(included_file._vars)
        self._display.display(line + (" => (item=%s)" % label if label else ""), color=C.COLOR_INCLUDED)

    def v2_playbook_on_no_hosts_matched(self):
        self._display.display("skipping: no hosts matched", color=C.COLOR_SKIP)

    def v2_playbook_on_no_hosts_remaining(self):
        self._display.banner("NO MORE HOSTS LEFT")

    def v2_runner_on_start(self, host, task):
        if self.get_option("show_per_host_start"):
            self._display.display(" [started %s on %s]" % (task, host), color=C.COLOR_OK)

    def v2_runner_retry(self, result):
        left = result._result["retries"] - result._result["attempts"]
        name = result.task_name or result._task
        line = "FAILED - RETRYING: [%s]: %s (%d retries left)." % (self.host_label(result), name, left)
        self._show(line, result, C.COLOR_DEBUG, verbosity=2, glue="Result was: ")

    def _job(self, result):
        said = result._result
        return said.get("ansible_job_id") or said.get("async_result", {}).get("ansible_job_id")

    def v2_runner_on_async_poll(self, result):
        said = result._result
        line = "ASYNC POLL on %s: jid=%s started=%s finished=%s" % (
            result._host.get_name(),
            said.get("ansible_job_id"),
            said.get("started"),
            said.get("finished"),
        )
        self._display.display(line, color=C.COLOR_DEBUG)

    def v2_runner_on_async_ok(self, result):
        line = "ASYNC OK on %s: jid=%s" % (result._host.get_name(), self._job(result))
        self._display.display(line, color=C.COLOR_DEBUG)

    def v2_runner_on_async_failed(self, result):
        line = "ASYNC FAILED on %s: jid=%s" % (result._host.get_name(), self._job(result))
        self._display.display(line, color=C.COLOR_DEBUG)

    def v2_playbook_on_notify(self, handler, host):
        if self._display.verbosity > 1:
            line = "NOTIFIED HANDLER %s for %s" % (handler.get_name(), host)
            self._display.display(line, color=C.COLOR_VERBOSE, screen_only=True)

    # The run.

    def v2_playbook_on_start(self, playbook):
        if self._display.verbosity > 1:
            self._display.banner("PLAYBOOK: %s" % os.path.basename(playbook._file_name))
        if self._display.verbosity > 3:
            said = dict(context.CLIARGS)
            paths = said.pop("args", None)
            lines = ["Positional arguments: %s" % " ".join(paths)] if paths else []
            lines.extend("%s: %s" % pair for pair in said.items() if pair[1])
            for line in lines:
                self._display.display(line, color=C.COLOR_VERBOSE, screen_only=True)
        self._tell_dry_run()

    def _tell_dry_run(self):
        if context.CLIARGS["check"] and self.get_option("check_mode_markers"):
            self._display.banner("DRY RUN")

    _COUNTS = (
        ("ok", "ok", "COLOR_OK"),
        ("changed", "changed", "COLOR_CHANGED"),
        ("unreachable", "unreachable", "COLOR_UNREACHABLE"),
        ("failed", "failures", "COLOR_ERROR"),
        ("skipped", "skipped", "COLOR_SKIP"),
        ("rescued", "rescued", "COLOR_OK"),
        ("ignored", "ignored", "COLOR_WARN"),
    )

    def v2_playbook_on_stats(self, stats):
        self._display.banner("PLAY RECAP")
        for host in sorted(stats.processed):
            counts = stats.summarize(host)
            for is_painted in (True, False):
                words = " ".join(
                    colorize(word, counts[key], getattr(C, tone) if is_painted else None)
                    for word, key, tone in self._COUNTS
                )
                self._display.display(
                    "%s : %s" % (hostcolor(host, counts, is_painted), words),
                    screen_only=is_painted,
                    log_only=not is_painted,
                )
        self._display.display("", screen_only=True)
        if stats.custom and self.get_option("show_custom_stats"):
            self._custom(stats.custom)
        self._tell_dry_run()

    def _custom(self, custom):
        self._display.banner("CUSTOM STATS: ")
        for host in sorted(custom):
            if host != "_run":
                said = self._dump_results(custom[host], indent=1).replace("\n", "")
                self._display.display("\t%s: %s" % (host, said))
        if "_run" in custom:
            self._display.display("", screen_only=True)
            said = self._dump_results(custom["_run"], indent=1).replace("\n", "")
            self._display.display("\tRUN: %s" % said)
        self._display.display("", screen_only=True)
