"""Lookups of users."""

import os


class Verbs:
    def __init__(self, worker):
        self._worker = worker

    def run(self, frame):
        worker = self._worker
        wire = worker.wire
        plugin = self._made(frame["path"], frame["name"], frame.get("module"))
        terms = [wire.decode(value) for value in frame["a"]]
        options = {name: wire.decode(value) for name, value in frame["k"].items()}
        variables = wire.decode({"~": "remote", "v": 1, "m": True})
        if frame.get("loop"):
            from ansible.utils.listify import listify_lookup_plugin_terms

            terms = listify_lookup_plugin_terms(terms=terms[0] if len(terms) == 1 else terms)
        found = plugin.run(terms, variables=variables, **options)
        if found is None or isinstance(found, (str, bytes, dict)) or not hasattr(found, "__iter__"):
            from ansible.errors import AnsibleError

            raise AnsibleError(
                "the lookup plugin '%s' was expected to return a list, got '%s' instead: %s"
                % (frame["name"], type(found), found)
            )
        return wire.encode(list(found))

    def _made(self, path, name, dotted):
        worker = self._worker
        from _trueup.files import FileLoader
        from _trueup.templar import Templar

        module = worker.places.load(path, "lookup", dotted)
        around = worker.ask("surroundings")
        loader = FileLoader(around["folder"])
        made = module.LookupModule(loader=loader, templar=Templar(loader))
        adopt(made, module, "lookup", name, path, dotted)
        return made


def adopt(plugin, module, kind, name, path, dotted=None):
    """Says to a plugin what Ansible's loader would say: its name, its file, its options."""
    short = os.path.splitext(os.path.basename(path))[0]
    full = short
    if dotted:
        parts = dotted.split(".")
        full = ".".join(parts[1:3] + parts[5:])
    plugin._load_name = full
    plugin._original_path = path
    plugin._redirected_names = [full]
    plugin.ansible_name = full
    plugin.ansible_aliases = [full]
    plugin._trueup_kind = kind
    import ansible

    if (getattr(ansible, "__file__", None) or "").startswith("trueup/"):
        return
    # Ansible itself is installed: it wants to know what the options are.
    try:
        from ansible import constants as C

        from _trueup.options import declared

        C.config.initialize_plugin_configuration_definitions(kind, full, declared(path, kind))
    except AttributeError:
        pass
