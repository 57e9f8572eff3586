"""What a module tells the system's log."""

import os

from ansible.module_utils._trueup.masking import remove_values
from ansible.module_utils.common.text.converters import to_text

try:
    import syslog

    HAS_SYSLOG = True
except ImportError:
    syslog = None
    HAS_SYSLOG = False

# Values of arguments that are secrets are shown as this.
NOT_LOGGED = "NOT_LOGGING_PARAMETER"


class Journal:
    """The part of a module that writes to the log; nothing of a task with `no_log`."""

    def debug(self, msg):
        """Logs for debugging, where that is asked for."""
        if self._debug:
            self.log("[debug] %s" % msg)

    def log(self, msg, log_args=None):
        """Logs a message, with secrets masked."""
        del log_args
        if self.no_log:
            return
        if self._target_log_info:
            msg = " ".join([self._target_log_info, msg])
        if not isinstance(msg, (bytes, str)):
            raise TypeError("msg should be a string (got %s)" % type(msg))
        text = to_text(msg, "utf-8", errors="replace") if isinstance(msg, bytes) else msg
        self._log_to_syslog(remove_values(text, self.no_log_values))

    def _log_to_syslog(self, msg):
        if not HAS_SYSLOG:
            return
        facility = getattr(syslog, self._syslog_facility, syslog.LOG_USER)
        name = "ansible-%s" % os.path.basename(self._name or "module")
        try:
            syslog.openlog(name, 0, facility)
            # A NUL would end the message.
            syslog.syslog(syslog.LOG_INFO, msg.replace("\0", "\\0"))
        except (TypeError, ValueError) as error:
            self.fail_json(
                msg="Failed to log to syslog (%s). To proceed anyway, disable syslog logging by"
                " setting no_target_syslog to True in your Ansible config." % error,
                msg_to_log=msg,
            )

    def _log_invocation(self):
        """Logs how the module was called, and warns of secrets that are not kept as such."""
        shown = {}
        for name, value in self.params.items():
            spec = self.argument_spec.get(name, {})
            no_log = spec.get("no_log", None)
            if no_log is not None and self.boolean(no_log):
                shown[name] = NOT_LOGGED
                continue
            if no_log is None and self._password_match(name):
                shown[name] = "NOT_LOGGING_PASSWORD"
                self.warn("Module did not set no_log for %s" % name)
                continue
            text = value if isinstance(value, (str, bytes)) else str(value)
            shown[name] = self._without_passwords(text)
        words = ["%s=%s" % (name, to_text(value)) for name, value in shown.items()]
        message = "Invoked with %s" % " ".join(words) if words else "Invoked"
        self.log(message, log_args=shown)

