"""`Templar`, as plugins are given it: templates are rendered by the controller."""

import contextlib

from _trueup import work_now
from _trueup.wire import RemoteMapping


class Templar:
    def __init__(self, loader=None, variables=None, shared_loader_obj=None):
        self._loader = loader
        self._variables = variables
        self.tmp = None

    @property
    def _worker(self):
        return work_now()

    @property
    def environment(self):
        from _trueup.jinja import environment

        return environment(self._worker)

    @property
    def available_variables(self):
        if self._variables is None:
            return self._worker.wire.decode({"~": "remote", "v": 0, "m": True})
        return self._variables

    @available_variables.setter
    def available_variables(self, variables):
        self._variables = variables

    _available_variables = available_variables

    def set_available_variables(self, variables):
        self._variables = variables

    def template(
        self,
        variable,
        convert_bare=False,
        preserve_trailing_newlines=True,
        escape_backslashes=True,
        fail_on_undefined=None,
        overrides=None,
        convert_data=True,
        static_vars=None,
        cache=True,
        disable_lookups=False,
        **_more
    ):
        worker = self._worker
        if convert_bare and isinstance(variable, str) and not self.is_template(variable):
            head = variable.split(".")[0].split("[")[0].split("|")[0].strip()
            if head in self.available_variables:
                variable = "{{%s}}" % variable
        if isinstance(variable, str) and not self.is_template(variable):
            return variable
        said = {"value": worker.wire.encode(variable), "lenient": fail_on_undefined is False}
        over = self._over()
        if over:
            said["vars"] = worker.wire.encode(over)
        return worker.ask_value("template", **said)

    def do_template(self, data, *arguments, **named):
        named.pop("preserve_trailing_newlines", None)
        return self.template(data)

    resolve_variable_expression = None

    def evaluate_expression(self, expression, **_more):
        return self.template("{{ %s }}" % expression)

    def _over(self):
        """Variables that the plugin has put before those of the task."""
        variables = self._variables
        if variables is None:
            return None
        if isinstance(variables, RemoteMapping):
            return dict(variables._local) if variables._local else None
        return dict(variables)

    def is_template(self, data):
        if isinstance(data, str):
            return any(mark in data for mark in ("{{", "{%", "{#"))
        if isinstance(data, dict):
            return any(self.is_template(v) for pair in data.items() for v in pair)
        if isinstance(data, (list, tuple)):
            return any(self.is_template(item) for item in data)
        return False

    is_possibly_template = is_template

    def copy_with_new_env(self, environment_class=None, **named):
        return Templar(self._loader, named.get("available_variables", self._variables))

    @contextlib.contextmanager
    def set_temporary_context(self, **named):
        before = self._variables
        if "available_variables" in named:
            self._variables = named["available_variables"]
        try:
            yield
        finally:
            self._variables = before
