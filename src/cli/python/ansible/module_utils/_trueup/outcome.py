"""How a module ends: its result as one line of JSON, and its status."""

import sys
import traceback
from collections.abc import Mapping, Sequence

from ansible.module_utils.common import warnings
from ansible.module_utils.common.text.converters import jsonify, to_text

from ansible.module_utils._trueup.masking import remove_values

# So much is shown of tasks from this verbosity on.
_TRACE_VERBOSITY = 3


class Outcome:
    """The part of a module that warns, and that ends it."""

    def warn(self, warning):
        """Has a warning shown with the result, and logged."""
        warnings.warn(warning)
        self.log("[WARNING] %s" % warning)

    def deprecate(self, msg, version=None, date=None, collection_name=None):
        """Has a deprecation shown with the result, and logged; by a version or a date."""
        if version is not None and date is not None:
            raise AssertionError(
                "implementation error -- version and date must not both be set"
            )
        warnings.deprecate(msg, version=version, date=date, collection_name=collection_name)
        when = date if date is not None else version
        self.log("[DEPRECATION WARNING] %s %s" % (msg, when))

    def jsonify(self, data):
        """JSON of data; the module fails where it has none."""
        try:
            return jsonify(data)
        except UnicodeError as error:
            self.fail_json(msg=to_text(error))

    def _take_warnings(self, given):
        """Warnings that are part of a result."""
        if isinstance(given, list):
            for warning in given:
                self.warn(warning)
        else:
            self.warn(given)

    def _take_deprecations(self, given):
        if not isinstance(given, list):
            self.deprecate(given)
            return
        for notice in given:
            if isinstance(notice, Sequence) and not isinstance(notice, str) and len(notice) == 2:
                self.deprecate(notice[0], version=notice[1])
            elif isinstance(notice, Mapping):
                self.deprecate(
                    notice["msg"],
                    version=notice.get("version"),
                    date=notice.get("date"),
                    collection_name=notice.get("collection_name"),
                )
            else:
                self.deprecate(notice)

    def _return_formatted(self, kwargs):
        """Prints a result, with what belongs to each."""
        self.add_path_info(kwargs)
        if "invocation" not in kwargs:
            kwargs["invocation"] = {"module_args": self.params}
        if "warnings" in kwargs:
            self._take_warnings(kwargs["warnings"])
        shown = warnings.get_warning_messages()
        if shown:
            kwargs["warnings"] = shown
        if "deprecations" in kwargs:
            self._take_deprecations(kwargs["deprecations"])
        shown = warnings.get_deprecation_messages()
        if shown:
            kwargs["deprecations"] = shown
        print("\n%s" % self.jsonify(remove_values(kwargs, self.no_log_values)))

    def exit_json(self, **kwargs):
        """Ends the module well, with a result."""
        self.do_cleanup_files()
        self._return_formatted(kwargs)
        sys.exit(0)

    def fail_json(self, msg, **kwargs):
        """Ends the module in failure, with a message and a result.

        The exception that is being handled goes with it where much is shown.
        """
        kwargs["failed"] = True
        kwargs["msg"] = msg
        handled = sys.exc_info()[2]
        if "exception" not in kwargs and handled:
            if self._debug or self._verbosity >= _TRACE_VERBOSITY:
                kwargs["exception"] = "".join(traceback.format_tb(handled))
        self.do_cleanup_files()
        self._return_formatted(kwargs)
        sys.exit(1)

    def fail_on_missing_params(self, required_params=None):
        """Fails where one of some arguments is not there or empty."""
        if not required_params:
            return
        missing = [name for name in required_params if not self.params.get(name)]
        if missing:
            self.fail_json(msg="missing required arguments: %s" % ", ".join(missing))

