"""Loaders: what the controller has, by name."""

from _trueup import work_now


class _Lookup:
    """A lookup of the controller's."""

    def __init__(self, name):
        self._name = name
        self._options = {}

    def run(self, terms, variables=None, **kwargs):
        worker = work_now()
        wire = worker.wire
        if isinstance(terms, (str, bytes)) or not isinstance(terms, (list, tuple)):
            terms = [terms]
        options = dict(self._options, **kwargs)
        return worker.ask_value(
            "lookup",
            name=self._name,
            a=[wire.encode(term) for term in terms],
            k={name: wire.encode(value) for name, value in options.items()},
        )

    def set_options(self, task_keys=None, var_options=None, direct=None):
        self._options.update(direct or {})

    def set_option(self, option, value):
        self._options[option] = value

    def get_option(self, option, hostvars=None):
        return self._options.get(option)


class _Loader:
    def __init__(self, kind):
        self._kind = kind

    def get(self, name, *arguments, **named):
        worker = work_now()
        if not worker.ask("known", kind=self._kind, name=name):
            return None
        if self._kind == "lookup":
            return _Lookup(name)
        from _trueup.jinja import Named

        return Named(worker, self._kind)[name]

    def __contains__(self, name):
        return work_now().ask("known", kind=self._kind, name=name)

    has_plugin = __contains__

    def add_directory(self, directory, with_subdir=False):
        pass


class _Connections:
    """Connections that other plugins are made of."""

    def get(self, name, *arguments, class_only=False, **named):
        from importlib import import_module

        short = name.rpartition("ansible.builtin.")[2]
        if short not in ("local", "ssh"):
            return None
        kind = import_module("ansible.plugins.connection." + short).Connection
        return kind if class_only else kind(*arguments, **named)


class _Actions:
    """Actions of Ansible's own, which other actions are made of."""

    def get(self, name, *arguments, class_only=False, **named):
        from _trueup.actions import NATIVE, native

        short = name.rpartition("ansible.builtin.")[2].rpartition("ansible.legacy.")[2]
        if short not in NATIVE:
            raise _absent("action_loader.get(%r)" % name)
        kind = native(short)
        if class_only:
            return kind
        plugin = kind(*arguments, **named)
        plugin._load_name = plugin._original_path = short
        return plugin

    def has_plugin(self, name, collection_list=None):
        return self.get(name, class_only=True) is not None

    __contains__ = has_plugin


action_loader = _Actions()
connection_loader = _Connections()
lookup_loader = _Loader("lookup")
filter_loader = _Loader("filter")
test_loader = _Loader("test")


def _absent(name):
    from ansible.errors import AnsibleError

    return AnsibleError(
        "ansible.plugins.loader.%s is not there: install ansible-core for the interpreter "
        "of plugins, which TRUEUP_PYTHON names" % name
    )


def __getattr__(name):
    if name.endswith("_loader"):
        raise _absent(name)
    raise AttributeError(name)
