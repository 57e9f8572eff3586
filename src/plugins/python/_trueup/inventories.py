"""Inventory plugins."""

import os


class Verbs:
    def __init__(self, worker):
        self._worker = worker

    def read(self, frame):
        """What a plugin makes of a source; nothing where it is none of its own."""
        from _trueup.files import FileLoader
        from _trueup.lookups import adopt

        worker = self._worker
        path, source = frame["path"], frame["source"]
        module = worker.places.load(path, "inventory", frame.get("module"))
        plugin = module.InventoryModule()
        adopt(plugin, module, "inventory", frame["name"], path, frame.get("module"))
        if "NAME" in module.InventoryModule.__dict__:
            plugin.NAME = module.InventoryModule.NAME
        if not plugin.verify_file(source):
            return None
        loader = FileLoader(os.path.dirname(os.path.abspath(source)))
        inventory = Inventory(frame["before"])
        inventory.current_source = source
        plugin.parse(inventory, loader, source, cache=True)
        update = getattr(plugin, "update_cache_if_changed", None)
        if update is not None:
            update()
        return worker.wire.encode(inventory.written())


class _Entity:
    def __init__(self, name):
        self.name = name
        self.vars = {}

    def __repr__(self):
        return self.name

    __str__ = __repr__

    def get_name(self):
        return self.name

    def set_variable(self, key, value):
        self.vars[key] = value


class Group(_Entity):
    def __init__(self, name, inventory):
        super().__init__(name)
        self._inventory = inventory
        self.host_names = []
        self.child_names = []
        self.priority = 1

    def get_vars(self):
        return dict(self.vars)

    @property
    def hosts(self):
        return [self._inventory.hosts[name] for name in self.host_names]

    @property
    def child_groups(self):
        return [self._inventory.groups[name] for name in self.child_names]

    @property
    def parent_groups(self):
        return [group for group in self._inventory.groups.values() if self.name in group.child_names]

    def get_ancestors(self):
        found = {}
        for parent in self.parent_groups:
            found[parent.name] = parent
            found.update({group.name: group for group in parent.get_ancestors()})
        return list(found.values())

    def get_hosts(self):
        found = {host.name: host for host in self.hosts}
        for child in self.child_groups:
            found.update({host.name: host for host in child.get_hosts()})
        return list(found.values())

    def add_host(self, host):
        self._inventory.add_child(self.name, host.name)

    def add_child_group(self, group):
        self._inventory.add_child(self.name, group.name)


class Host(_Entity):
    def __init__(self, name, inventory, port=None):
        super().__init__(name)
        self._inventory = inventory
        self.address = name
        if port:
            self.vars["ansible_port"] = int(port)

    @property
    def groups(self):
        return self.get_groups()

    def get_groups(self):
        found = {}
        for group in self._inventory.groups.values():
            if self.name in group.host_names:
                found[group.name] = group
                found.update({above.name: above for above in group.get_ancestors()})
        return list(found.values())

    def get_magic_vars(self):
        return {
            "inventory_hostname": self.name,
            "inventory_hostname_short": self.name.split(".")[0],
            "group_names": sorted(g.name for g in self.get_groups() if g.name != "all"),
        }

    def get_vars(self):
        return {**self.vars, **self.get_magic_vars()}


class Inventory:
    """`InventoryData`: what was read before, and what the plugin adds."""

    def __init__(self, before=None):
        self.groups = {}
        self.hosts = {}
        self.localhost = None
        self.current_source = None
        self.processed_sources = []
        for name in ("all", "ungrouped"):
            self.add_group(name)
        self.add_child("all", "ungrouped")
        before = before or {}
        for name, said in before.get("hosts", {}).items():
            self.add_host(name)
            self.hosts[name].vars.update(said)
        for name, said in before.get("groups", {}).items():
            self.add_group(name)
            self.groups[name].vars.update(said.get("vars", {}))
        for name, said in before.get("groups", {}).items():
            for member in said.get("hosts", []) + said.get("children", []):
                self.add_child(name, member)

    def add_group(self, group):
        from ansible.errors import AnsibleError

        if not group:
            raise AnsibleError("Invalid empty/false group name provided: %s" % group)
        if not isinstance(group, str):
            raise AnsibleError("Invalid group name supplied, expected a string but got %s for %s" % (type(group), group))
        if group not in self.groups:
            self.groups[str(group)] = Group(str(group), self)
        return str(group)

    def remove_group(self, group):
        name = str(group)
        self.groups.pop(name, None)
        for other in self.groups.values():
            if name in other.child_names:
                other.child_names.remove(name)

    def add_host(self, host, group=None, port=None):
        from ansible.errors import AnsibleError

        if not host:
            raise AnsibleError("Invalid empty host name provided: %s" % host)
        if not isinstance(host, str):
            raise AnsibleError("Invalid host name supplied, expected a string but got %s for %s" % (type(host), host))
        host = str(host)
        if group is not None and group not in self.groups:
            raise AnsibleError("Could not find group %s in inventory" % group)
        if host not in self.hosts:
            self.hosts[host] = Host(host, self, port)
        if group is not None:
            self.add_child(group, host)
        return host

    def remove_host(self, host):
        name = getattr(host, "name", host)
        self.hosts.pop(name, None)
        for group in self.groups.values():
            if name in group.host_names:
                group.host_names.remove(name)

    def add_child(self, group, child):
        from ansible.errors import AnsibleError

        if group not in self.groups:
            raise AnsibleError("%s is not a known group" % group)
        above, child = self.groups[group], str(child)
        names = above.child_names if child in self.groups else above.host_names
        if child not in self.groups and child not in self.hosts:
            raise AnsibleError("%s is not a known host nor group" % child)
        if names is above.child_names and (child == group or self.groups[child] in above.get_ancestors()):
            raise AnsibleError(
                "Adding group '%s' as child to '%s' creates a recursive dependency loop." % (child, group)
            )
        if child in names:
            return False
        names.append(child)
        return True

    def set_variable(self, entity, varname, value):
        from ansible.errors import AnsibleError

        if entity in self.groups:
            self.groups[entity].vars[varname] = value
        elif entity in self.hosts:
            self.hosts[entity].vars[varname] = value
        else:
            raise AnsibleError("Could not identify group or host named %s" % entity)

    def get_host(self, hostname):
        return self.hosts.get(hostname)

    def get_groups_dict(self):
        return {name: [host.name for host in group.get_hosts()] for name, group in self.groups.items()}

    def reconcile_inventory(self):
        pass

    def written(self):
        made = {}
        for name, group in self.groups.items():
            made[name] = {"hosts": group.host_names, "children": group.child_names, "vars": group.vars}
        made["all"] = dict(made["all"], hosts=list(dict.fromkeys(list(self.hosts))))
        made["_meta"] = {"hostvars": {name: host.vars for name, host in self.hosts.items()}}
        return made
