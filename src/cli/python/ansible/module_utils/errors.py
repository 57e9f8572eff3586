"""What can be wrong with a module's arguments."""


class AnsibleFallbackNotFound(Exception):
    """A fallback has no value."""


class AnsibleValidationError(Exception):
    """Something is wrong with an argument."""

    def __init__(self, message):
        super(AnsibleValidationError, self).__init__(message)
        self.error_message = message

    @property
    def msg(self):
        """What is wrong."""
        return self.args[0]


class AnsibleValidationErrorMultiple(AnsibleValidationError):
    """All that is wrong, in order."""

    def __init__(self, errors=None):
        self.errors = list(errors) if errors else []

    def __getitem__(self, key):
        return self.errors[key]

    def __setitem__(self, key, value):
        self.errors[key] = value

    def __delitem__(self, key):
        del self.errors[key]

    @property
    def msg(self):
        """The first that is wrong."""
        return self.errors[0].args[0]

    @property
    def messages(self):
        """All, as texts."""
        return [error.msg for error in self.errors]

    def append(self, error):
        """Takes in one more."""
        self.errors.append(error)

    def extend(self, errors):
        """Takes in several more, or those of another such list."""
        self.errors.extend(errors)


class AliasError(AnsibleValidationError):
    """Aliases that are no list."""


class ArgumentTypeError(AnsibleValidationError):
    """A value that is not of the argument's type."""


class ArgumentValueError(AnsibleValidationError):
    """A value that is none of the choices."""


class DeprecationError(AnsibleValidationError):
    """A deprecation that cannot be told."""


class ElementError(AnsibleValidationError):
    """An element of a list that is not of the type of its elements."""


class MutuallyExclusiveError(AnsibleValidationError):
    """Arguments that exclude each other."""


class NoLogError(AnsibleValidationError):
    """A secret that cannot be read."""


class RequiredByError(AnsibleValidationError):
    """An argument that another one needs is missing."""


class RequiredDefaultError(AnsibleValidationError):
    """An argument that is required and has a default."""


class RequiredError(AnsibleValidationError):
    """A required argument is missing."""


class RequiredIfError(AnsibleValidationError):
    """An argument is missing that the value of another one requires."""


class RequiredOneOfError(AnsibleValidationError):
    """None of several arguments is there."""


class RequiredTogetherError(AnsibleValidationError):
    """Some of the arguments that belong together are missing."""


class SubParameterTypeError(AnsibleValidationError):
    """Arguments below an argument are no dict."""


class UnsupportedError(AnsibleValidationError):
    """An argument that the module does not have."""
