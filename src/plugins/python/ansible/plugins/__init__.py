"""What all plugins have: options."""

from _trueup import options as _options


class AnsiblePlugin:
    """A plugin whose options are declared in its documentation."""

    allow_extras = False
    _load_name = None
    _original_path = None
    ansible_name = None
    _trueup_kind = None

    def __init__(self):
        self._options = {}
        self._origins = {}
        self._defs = None

    def matches_name(self, possible_names):
        return self.ansible_name in possible_names

    @property
    def option_definitions(self):
        if self._original_path is None:
            return {}
        return _options.declared(self._original_path, self._trueup_kind)

    @property
    def _named(self):
        return (self._trueup_kind, self._load_name)

    def _resolve(self, name, variables=None, direct=None, keywords=None):
        value, origin = _options.resolved(
            self.option_definitions, name, self._named, direct or {}, variables, keywords=keywords
        )
        return value, origin

    def set_options(self, task_keys=None, var_options=None, direct=None):
        direct = dict(direct or {})
        for name in self.option_definitions:
            self._options[name], self._origins[name] = self._resolve(
                name, var_options, direct, task_keys
            )
        if self.allow_extras and var_options and "_extras" in var_options:
            self.set_option("_extras", var_options["_extras"])
        for name in direct:
            known = self.option_definitions
            if name in known or self.allow_extras:
                continue
            if not any(name in (option or {}).get("aliases", ()) for option in known.values()):
                self._extra_option(name, direct[name])

    def _extra_option(self, name, value):
        pass

    def set_option(self, option, value):
        if option in self.option_definitions:
            value = self._resolve(option, direct={option: value})[0]
        self._options[option] = value
        self._origins[option] = "Direct"

    def get_option(self, option, hostvars=None):
        return self.get_option_and_origin(option, hostvars)[0]

    def get_option_and_origin(self, option, hostvars=None):
        if option not in self._options:
            if option not in self.option_definitions:
                raise KeyError("Requested entry (%s) was not defined in configuration." % option)
            self._options[option], self._origins[option] = self._resolve(option, hostvars)
        return self._options[option], self._origins.get(option)

    def get_options(self, hostvars=None):
        return {name: self.get_option(name, hostvars) for name in self.option_definitions}

    def has_option(self, option):
        if not self._options:
            self.set_options()
        return option in self._options

    def _check_required(self):
        pass


def get_plugin_class(obj):
    if isinstance(obj, str):
        return obj.lower().replace("module", "")
    return obj.__class__.__name__.lower().replace("module", "")
