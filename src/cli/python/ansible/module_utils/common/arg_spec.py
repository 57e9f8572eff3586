"""An argument specification as an object that checks arguments."""

from ansible.module_utils._trueup import arguments
from ansible.module_utils.common.warnings import deprecate, warn
from ansible.module_utils.errors import (  # noqa: F401
    AnsibleValidationErrorMultiple,
    UnsupportedError,
)


class ValidationResult:
    """Checked arguments, and what was wrong with them."""

    def __init__(self, parameters):
        self._no_log_values = set()
        self._unsupported_parameters = set()
        self._supported_parameters = {}
        self._validated_parameters = parameters
        self._deprecations = []
        self._warnings = []
        self._aliases = {}
        self.errors = AnsibleValidationErrorMultiple()

    @property
    def validated_parameters(self):
        """Arguments of their types, with what was left out."""
        return self._validated_parameters

    @property
    def unsupported_parameters(self):
        """Names that the specification does not have, each with the way to it."""
        return self._unsupported_parameters

    @property
    def error_messages(self):
        """All that was wrong, as texts."""
        return self.errors.messages


class ArgumentSpecValidator:
    """Checks arguments against a specification and the rules between them."""

    def __init__(
        self,
        argument_spec,
        mutually_exclusive=None,
        required_together=None,
        required_one_of=None,
        required_if=None,
        required_by=None,
    ):
        self._mutually_exclusive = mutually_exclusive
        self._required_together = required_together
        self._required_one_of = required_one_of
        self._required_if = required_if
        self._required_by = required_by
        self._valid_parameter_names = set(arguments.shown_names(argument_spec))
        self.argument_spec = argument_spec

    def validate(self, parameters, *args, **kwargs):
        """Checks arguments, which stay as they are; returns a `ValidationResult`."""
        rules = {
            "mutually_exclusive": self._mutually_exclusive,
            "required_together": self._required_together,
            "required_one_of": self._required_one_of,
            "required_if": self._required_if,
            "required_by": self._required_by,
        }
        checked, report = arguments.check(self.argument_spec, parameters, rules)
        result = ValidationResult(checked)
        result.errors = report.errors
        result._no_log_values = report.no_log_values
        result._unsupported_parameters = {
            name[0] if len(name) == 1 else name for name in report.unsupported
        }
        result._supported_parameters = report.supported
        result._warnings = [
            {"option": name, "alias": alias} for name, alias in report.alias_warnings
        ]
        result._deprecations = list(report.deprecations)
        for prefix, notice in report.alias_deprecations:
            described = {
                "msg": "Alias '%s%s' is deprecated. See the module docs for more information"
                % (prefix, notice["name"]),
                "collection_name": notice.get("collection_name"),
            }
            for when in ("version", "date"):
                if when in notice:
                    described[when] = notice[when]
            result._deprecations.append(described)
        return result


class ModuleArgumentSpecValidator(ArgumentSpecValidator):
    """Checks a module's arguments, and reports what it warns of with the module's result."""

    def validate(self, parameters):
        result = super(ModuleArgumentSpecValidator, self).validate(parameters)
        for notice in result._deprecations:
            deprecate(
                notice["msg"],
                version=notice.get("version"),
                date=notice.get("date"),
                collection_name=notice.get("collection_name"),
            )
        for pair in result._warnings:
            warn(
                "Both option %s and its alias %s are set." % (pair["option"], pair["alias"])
            )
        return result
