"""`AnsibleModule`: the arguments that a module is given, and the result that it ends with.

The parts stand in `_trueup`: arguments, secrets, files, programs, the log, the end.
"""

import atexit
import json
import locale
import os
import platform
import re
import shutil
import stat  # noqa: F401
import sys
import tempfile

from collections.abc import (  # noqa: F401
    KeysView,
    Mapping,
    MutableMapping,
    MutableSequence,
    MutableSet,
    Sequence,
    Set,
)
from functools import reduce  # noqa: F401

from ansible.module_utils._trueup.attributes import FileAttributes
from ansible.module_utils._trueup.journal import HAS_SYSLOG, Journal  # noqa: F401
from ansible.module_utils._trueup.labels import HAVE_SELINUX, Labels  # noqa: F401
from ansible.module_utils._trueup.masking import heuristic_log_sanitize  # noqa: F401
from ansible.module_utils._trueup.outcome import Outcome
from ansible.module_utils._trueup.placement import (  # noqa: F401
    AVAILABLE_HASH_ALGORITHMS,
    Placement,
)
from ansible.module_utils._trueup.programs import PASSWD_ARG_RE, Programs  # noqa: F401
from ansible.module_utils.common._utils import get_all_subclasses as _get_all_subclasses
from ansible.module_utils.common.arg_spec import ModuleArgumentSpecValidator
from ansible.module_utils.common.file import (  # noqa: F401
    _DEFAULT_PERM as DEFAULT_PERM,
    _PERM_BITS as PERM_BITS,
    FILE_ATTRIBUTES,
    S_IRWU_RWG_RWO,
    S_IXANY,
    format_attributes,
    get_flags_from_attributes,
    is_executable,
)
from ansible.module_utils.common.file import get_file_arg_spec as _get_file_arg_spec
from ansible.module_utils.common.locale import get_best_parsable_locale
from ansible.module_utils.common.parameters import (  # noqa: F401
    DEFAULT_TYPE_VALIDATORS,
    PASS_BOOLS,
    PASS_VARS,
    env_fallback,
    remove_values,
    sanitize_keys,
)
from ansible.module_utils.common.process import get_bin_path  # noqa: F401
from ansible.module_utils.common.sys_info import (  # noqa: F401
    get_distribution,
    get_distribution_version,
    get_platform_subclass,
)
from ansible.module_utils.common.text.converters import (  # noqa: F401
    container_to_bytes as json_dict_unicode_to_bytes,
    container_to_text as json_dict_bytes_to_unicode,
    jsonify,
    to_bytes,
    to_native,
    to_text,
)
from ansible.module_utils.common.text.formatters import (  # noqa: F401
    SIZE_RANGES,
    bytes_to_human,
    human_to_bytes,
    lenient_lowercase,
)
from ansible.module_utils.common.validation import (  # noqa: F401
    check_missing_parameters,
    safe_eval,
)
from ansible.module_utils.common.warnings import (  # noqa: F401
    deprecate,
    get_deprecation_messages,
    get_warning_messages,
    warn,
)
from ansible.module_utils.errors import (  # noqa: F401
    AnsibleFallbackNotFound,
    AnsibleValidationErrorMultiple,
    UnsupportedError,
)
from ansible.module_utils.parsing.convert_bool import (  # noqa: F401
    BOOLEANS,
    BOOLEANS_FALSE,
    BOOLEANS_TRUE,
    boolean,
)

NoneType = type(None)
SEQUENCETYPE = (frozenset, KeysView, Sequence)
imap = map

# Names of arguments that are likely to be secrets.
PASSWORD_MATCH = re.compile(
    r"^(?:.+[-_\s])?pass(?:[-_\s]?(?:word|phrase|wrd|wd)?)(?:[-_\s].+)?$", re.IGNORECASE
)
MODE_OPERATOR_RE = re.compile(r"[+=-]")
USERS_RE = re.compile(r"^[ugo]+$")
PERMS_RE = re.compile(r"^[rwxXstugo]*$")

FILE_COMMON_ARGUMENTS = {
    name: dict({"type": "str"}, **spec) for name, spec in _get_file_arg_spec().items()
}
FILE_COMMON_ARGUMENTS["unsafe_writes"] = {
    "type": "bool",
    "default": False,
    "fallback": (env_fallback, ["ANSIBLE_UNSAFE_WRITES"]),
}

# What the module was called with, as bytes of JSON; whoever runs a module sets it.
_ANSIBLE_ARGS = None

# The oldest Python that this runs on.
_PY_MIN = (3, 6)
if sys.version_info < _PY_MIN:
    print(
        json.dumps(
            {
                "failed": True,
                "msg": "ansible-core requires a minimum of Python version %s. Current version: %s"
                % (".".join(map(str, _PY_MIN)), "".join(sys.version.splitlines())),
            }
        )
    )
    sys.exit(1)


def get_platform():
    """The kind of system: `Linux`. Deprecated; platform.system() says the same."""
    return platform.system()


def load_platform_subclass(cls, *args, **kwargs):
    """An object of the class that a class has for this platform."""
    chosen = get_platform_subclass(cls)
    return super(cls, chosen).__new__(chosen)


def get_all_subclasses(cls):
    """All classes that inherit from a class, as a list."""
    return list(_get_all_subclasses(cls))


def get_module_path():
    """The folder of this file."""
    return os.path.dirname(os.path.realpath(__file__))


def missing_required_lib(library, reason=None, url=None):
    """What to tell users about a library that their host lacks."""
    message = "Failed to import the required Python library (%s) on %s's Python %s." % (
        library,
        platform.node(),
        sys.executable,
    )
    if reason:
        message += " This is required %s." % reason
    if url:
        message += " See %s for more info." % url
    return message + (
        " Please read the module documentation and install it in the appropriate location. If the"
        " required library is installed, but Ansible is using the wrong Python interpreter, please"
        " consult the documentation on ansible_python_interpreter"
    )


def _load_params():
    """What the module was called with, as a dict.

    Read from `_ANSIBLE_ARGS`, or else from the file that the first argument names or standard
    input, as people do who try a module out.
    """
    global _ANSIBLE_ARGS
    if _ANSIBLE_ARGS is not None:
        content = _ANSIBLE_ARGS
    elif len(sys.argv) > 1:
        if os.path.isfile(sys.argv[1]):
            with open(sys.argv[1], "rb") as stream:
                content = stream.read()
        else:
            content = to_bytes(sys.argv[1], errors="surrogateescape")
    else:
        content = sys.stdin.buffer.read()
    _ANSIBLE_ARGS = content
    try:
        params = json.loads(to_text(content, errors="surrogateescape"))
    except ValueError:
        _fail_early("Error: Module unable to decode stdin/parameters as valid JSON. Unable to parse"
                    " what parameters were passed")
    try:
        return params["ANSIBLE_MODULE_ARGS"]
    except (KeyError, TypeError):
        _fail_early("Error: Module unable to locate ANSIBLE_MODULE_ARGS in JSON data from stdin. "
                    " Unable to figure out what parameters were passed")


def _fail_early(message):
    """Ends a module that knows nothing of how it was called."""
    print(json.dumps({"msg": message, "failed": True}))
    sys.exit(1)


class AnsibleModule(Outcome, Journal, Programs, Placement, FileAttributes, Labels):
    """A module's arguments (`params`), what it may do, and how it ends."""

    def __init__(
        self,
        argument_spec,
        bypass_checks=False,
        no_log=False,
        mutually_exclusive=None,
        required_together=None,
        required_one_of=None,
        add_file_common_args=False,
        supports_check_mode=False,
        required_if=None,
        required_by=None,
    ):
        self._name = os.path.basename(__file__)
        self.argument_spec = argument_spec
        self.supports_check_mode = supports_check_mode
        self.check_mode = False
        self.bypass_checks = bypass_checks
        self.no_log = no_log
        self.mutually_exclusive = mutually_exclusive
        self.required_together = required_together
        self.required_one_of = required_one_of
        self.required_if = required_if
        self.required_by = required_by
        self.cleanup_files = []
        self.run_command_environ_update = {}
        self.aliases = {}
        self.no_log_values = set()
        self._diff = False
        self._debug = False
        self._verbosity = 0
        self._clean = {}
        self._created_files = []
        self._legal_inputs = []
        self._options_context = []
        self._tmpdir = None
        self._selinux_enabled = None
        self._selinux_mls_enabled = None
        self._selinux_initial_context = None
        self._string_conversion_action = ""
        self._syslog_facility = "LOG_USER"
        self._load_params()
        self._set_internal_properties()
        if add_file_common_args:
            for name, spec in FILE_COMMON_ARGUMENTS.items():
                self.argument_spec.setdefault(name, spec)
        self._check_arguments()
        if not self.no_log:
            self._log_invocation()
        self._check_locale()
        self._set_cwd()

    def _load_params(self):
        self.params = _load_params()

    def _set_internal_properties(self, argument_spec=None, module_parameters=None):
        """Takes what the controller says of the run out of the arguments."""
        params = self.params if module_parameters is None else module_parameters
        for name, (attribute, default) in PASS_VARS.items():
            given = "_ansible_" + name
            if given in params:
                value = params.pop(given)
                setattr(self, attribute, self.boolean(value) if name in PASS_BOOLS else value)
            elif not hasattr(self, attribute):
                setattr(self, attribute, default)

    def _check_arguments(self):
        """Checks the arguments; what is wrong ends the module."""
        if self.check_mode and not self.supports_check_mode:
            self.exit_json(
                skipped=True,
                msg="remote module (%s) does not support check mode" % self._name,
            )
        validator = ModuleArgumentSpecValidator(
            self.argument_spec,
            self.mutually_exclusive,
            self.required_together,
            self.required_one_of,
            self.required_if,
            self.required_by,
        )
        result = self.validation_result = validator.validate(self.params)
        self.params.update(result.validated_parameters)
        self.no_log_values.update(result._no_log_values)
        self.aliases.update(result._aliases)
        errors = result.errors
        if self._ignore_unknown_opts:
            errors.errors = [one for one in errors if not isinstance(one, UnsupportedError)]
        if not errors.errors:
            return
        first = errors.errors[0]
        message = errors.msg
        if isinstance(first, UnsupportedError):
            message = "Unsupported parameters for (%s) module: %s" % (self._name, message)
        self.fail_json(msg=message)

    def _without_passwords(self, text):
        # By its name in this file, which modules may have replaced.
        return heuristic_log_sanitize(text, self.no_log_values)

    @staticmethod
    def _password_match(name):
        return PASSWORD_MATCH.search(name)

    @property
    def tmpdir(self):
        """A folder of the module's own, made when it is first asked for and removed at the end."""
        if self._tmpdir is None:
            place = None
            if self._remote_tmp is not None:
                place = os.path.expanduser(os.path.expandvars(self._remote_tmp))
                if not os.path.exists(place):
                    try:
                        os.makedirs(place, mode=0o700)
                    except OSError as error:
                        self.warn(
                            "Unable to use %s as temporary directory, failing back to system: %s"
                            % (place, to_native(error))
                        )
                        place = None
                    else:
                        self.warn(
                            "Module remote_tmp %s did not exist and was created with a mode of"
                            " 0700, this may cause issues when running as another user. To avoid"
                            " this, create the remote_tmp dir with the correct permissions manually"
                            % place
                        )
            folder = tempfile.mkdtemp(prefix="ansible-moduletmp-", dir=place)
            if not self._keep_remote_files:
                atexit.register(shutil.rmtree, folder)
            self._tmpdir = folder
        return self._tmpdir

    def _check_locale(self):
        """Takes the environment's locale, or the best that this machine has instead of it."""
        try:
            locale.setlocale(locale.LC_ALL, "")
        except locale.Error:
            best = get_best_parsable_locale(self)
            for name in ("LANG", "LC_ALL", "LC_MESSAGES", "LANGUAGE"):
                os.environ[name] = best
            try:
                locale.setlocale(locale.LC_ALL, best)
            except locale.Error as error:
                self.fail_json(
                    msg="An unknown error was encountered while attempting to validate the locale:"
                    " %s" % to_native(error)
                )

    def _set_cwd(self):
        """Goes to a folder that can be read, where the present one cannot."""
        try:
            folder = os.getcwd()
            if not os.access(folder, os.F_OK | os.R_OK):
                raise OSError("%s cannot be read" % folder)
            return folder
        except OSError:
            pass
        for folder in (self.tmpdir, os.path.expandvars("$HOME"), tempfile.gettempdir()):
            try:
                if os.access(folder, os.F_OK | os.R_OK):
                    os.chdir(folder)
                    return folder
            except OSError:
                continue
        return None

    def safe_eval(self, value, locals=None, include_exceptions=False):
        """The value of a Python literal; what is none stays text. Deprecated."""
        return safe_eval(value, locals, include_exceptions)

    def boolean(self, arg):
        """The truth of a value; the module fails where it is none."""
        if arg is None:
            return arg
        try:
            return boolean(arg)
        except TypeError as error:
            self.fail_json(msg=to_native(error))

    def from_json(self, data):
        """The value of JSON."""
        return json.loads(data)

    def bytes_to_human(self, size):
        """A number of bytes with its unit."""
        return bytes_to_human(size)

    pretty_bytes = bytes_to_human

    def human_to_bytes(self, number, isbits=False):
        """The number of bytes that a text with a unit means."""
        return human_to_bytes(number, isbits=isbits)

    @staticmethod
    def is_executable(path):
        """Whether somebody may execute a file."""
        return is_executable(path)

    @staticmethod
    def get_buffer_size(fd):
        """How many bytes a file of output takes at once."""
        try:
            import fcntl
            import termios  # noqa: F401

            return fcntl.fcntl(fd, getattr(fcntl, "F_GETPIPE_SZ", 1032))
        except Exception:
            return 8192
