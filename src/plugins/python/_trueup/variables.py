"""Vars plugins."""

import os


class Verbs:
    def __init__(self, worker):
        self._worker = worker
        self._made = {}

    def of(self, frame):
        """The variables that a plugin has for a host or group beside a folder."""
        from ansible.inventory.group import Group
        from ansible.inventory.host import Host

        worker = self._worker
        plugin, loader = self._plugin(frame["path"], frame["name"], frame.get("module"))
        if plugin is None:
            return {}
        is_host = frame["kind"] == "host"
        entity = (Host if is_host else Group)(frame["entity"])
        folder = frame["folder"]
        if hasattr(plugin, "get_vars"):
            found = plugin.get_vars(loader, folder, [entity])
        elif is_host and hasattr(plugin, "get_host_vars"):
            found = plugin.get_host_vars(entity.name)
        elif not is_host and hasattr(plugin, "get_group_vars"):
            found = plugin.get_group_vars(entity.name)
        else:
            found = {}
        if found is None:
            found = {}
        if not isinstance(found, dict):
            from ansible.errors import AnsibleError

            raise AnsibleError(
                "the vars plugin '%s' was expected to return a dictionary, got '%s' instead"
                % (frame["name"], type(found).__name__)
            )
        return worker.wire.encode(found)

    def _plugin(self, path, name, dotted):
        """One for all hosts; none where it asks to be enabled by name and is not."""
        if path not in self._made:
            from _trueup.files import FileLoader
            from _trueup.lookups import adopt

            worker = self._worker
            module = worker.places.load(path, "vars", dotted)
            made = module.VarsModule()
            adopt(made, module, "vars", name, path, dotted)
            wants = getattr(module.VarsModule, "REQUIRES_ENABLED", None) or getattr(
                module.VarsModule, "REQUIRES_WHITELIST", False
            )
            enabled = worker.ask_value("setting", name="VARIABLE_PLUGINS_ENABLED") or []
            is_enabled = not wants or name in enabled or os.path.splitext(os.path.basename(path))[0] in enabled
            if is_enabled and hasattr(made, "set_options"):
                made.set_options()
            loader = FileLoader(worker.places.playbook_folder)
            self._made[path] = (made if is_enabled else None, loader)
        return self._made[path]
