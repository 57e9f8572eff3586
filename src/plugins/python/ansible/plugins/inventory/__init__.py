"""Inventory plugins: what they are built on."""

import hashlib
import os
from collections.abc import Mapping, MutableMapping

from ansible import constants as C
from ansible.errors import AnsibleError, AnsibleOptionsError, AnsibleParserError
from ansible.module_utils.common.text.converters import to_bytes, to_native
from ansible.plugins import AnsiblePlugin
from ansible.template import Templar
from ansible.utils.display import Display
from ansible.utils.vars import combine_vars

display = Display()


def to_safe_group_name(name, replacer="_", force=False, silent=False):
    """A name as variables have them, where the settings ask for it."""
    if name and (force or C.TRANSFORM_INVALID_GROUP_CHARS == "always"):
        return C.INVALID_VARIABLE_NAMES.sub(replacer, name)
    return name


class BaseInventoryPlugin(AnsiblePlugin):
    """Reads a source into an inventory."""

    TYPE = "generator"
    _sanitize_group_name = staticmethod(to_safe_group_name)
    _trueup_kind = "inventory"

    def __init__(self):
        super().__init__()
        self.inventory = None
        self.display = display
        self._cache = {}
        self.templar = None
        self.loader = None
        self._vars = {}

    def parse(self, inventory, loader, path, cache=True):
        self.loader = loader
        self.inventory = inventory
        self.templar = Templar(loader=loader)
        self._vars = {}

    def verify_file(self, path):
        return os.path.exists(path) and os.access(path, os.R_OK)

    def _populate_host_vars(self, hosts, variables, group=None, port=None):
        for host in hosts:
            self.inventory.add_host(host, group=group, port=port)
            for name, value in variables.items():
                self.inventory.set_variable(host, name, value)

    def _read_config_data(self, path):
        try:
            config = self.loader.load_from_file(path, cache="none")
        except Exception as error:
            raise AnsibleParserError(to_native(error))
        names = [getattr(self, "NAME", None), self._load_name] + list(getattr(self, "_redirected_names", []))
        # What is in no collection has the name of all those before its own, too.
        names += ["ansible.legacy.%s" % name for name in names if name and "." not in name]
        if not config:
            raise AnsibleParserError("%s is empty" % to_native(path))
        if config.get("plugin") not in names:
            raise AnsibleParserError("Incorrect plugin name in file: %s" % config.get("plugin", "none found"))
        if not isinstance(config, Mapping):
            raise AnsibleParserError("inventory source has invalid structure, it should be a dictionary, got: %s" % type(config))
        self.set_options(direct=config, var_options=self._vars)
        if self._options.get("cache"):
            self._cache = _kept_by(self)
        return config

    def _consume_options(self, data):
        for name in self._options:
            if name in data:
                self._options[name] = data.pop(name)

    def _expand_hostpattern(self, hostpattern):
        import re

        pattern, port = hostpattern, None
        found = re.match(r"^(.*[^:]):(\d+)$", hostpattern)
        if found and hostpattern.count(":") == 1:
            pattern, port = found.group(1), int(found.group(2))
        return _expanded(pattern), port


def _expanded(pattern):
    import re

    found = re.match(r"^(.*?)\[(\w+):(\w+)(?::(\d+))?\](.*)$", pattern)
    if not found:
        return [pattern]
    head, first, last, step, tail = found.groups()
    step = int(step or 1)
    if first.isdigit():
        width = len(first) if first.startswith("0") and len(first) > 1 else 0
        names = [str(n).zfill(width) for n in range(int(first), int(last) + 1, step)]
    else:
        names = [chr(n) for n in range(ord(first), ord(last) + 1, step)]
    return [head + name + rest for name in names for rest in _expanded(tail)]


class BaseFileInventoryPlugin(BaseInventoryPlugin):
    """Reads a file."""

    TYPE = "storage"


class Cacheable:
    """Keeps what it read: for the run, or in files where `cache_plugin` is jsonfile."""

    _cache = {}

    @property
    def cache(self):
        return self._cache

    def load_cache_plugin(self):
        if not isinstance(self._cache, (_Kept, _KeptByPlugin)):
            self._cache = _kept_by(self)

    def get_cache_key(self, path):
        return "%s_%s" % (self.NAME, self._get_cache_prefix(path))

    def _get_cache_prefix(self, path):
        mine = hashlib.sha1(to_bytes(self.NAME)).hexdigest()[:5]
        return "s_".join([mine, hashlib.sha1(to_bytes(path)).hexdigest()[:5]])

    def clear_cache(self):
        self._cache.clear()

    def update_cache_if_changed(self):
        if isinstance(self._cache, _Kept):
            self._cache.save()

    def set_cache_plugin(self):
        self.update_cache_if_changed()


def _kept_by(plugin):
    """What the options of an inventory plugin say of its cache."""

    def said(name):
        try:
            return plugin.get_option(name)
        except KeyError:
            return None

    connection = said("cache_connection")
    kind = (said("cache_plugin") or "memory").rsplit(".", 1)[-1]
    if kind not in ("memory", "jsonfile"):
        options = {"_uri": connection, "_prefix": said("cache_prefix"), "_timeout": said("cache_timeout")}
        return _KeptByPlugin(said("cache_plugin"), {k: v for k, v in options.items() if v is not None})
    if kind == "jsonfile" and not connection:
        raise AnsibleError(
            "error, 'jsonfile' cache plugin requires the 'fact_caching_connection' config option to be set"
        )
    kept = _Kept(connection if kind == "jsonfile" else None, said("cache_prefix") or "", said("cache_timeout"))
    kept._plugin = _KeptOptions({"_uri": connection, "_prefix": said("cache_prefix"), "_timeout": said("cache_timeout")})
    return kept


class _KeptByPlugin(MutableMapping):
    """What a cache plugin of a user keeps."""

    def __init__(self, name, options):
        from _trueup import work_now
        from _trueup.lookups import adopt

        worker = work_now()
        found = worker.ask("cache plugin", name=name)
        if found is None:
            raise AnsibleError("Unable to load the cache plugin (%s)." % name)
        path, dotted = found
        module = worker.places.load(path, "cache", dotted)
        adopt(module.CacheModule, module, "cache", name, path, dotted)
        self._plugin = module.CacheModule(**options)

    def __getitem__(self, key):
        if not self._plugin.contains(key):
            raise KeyError(key)
        return self._plugin.get(key)

    def __setitem__(self, key, value):
        self._plugin.set(key, value)

    def __delitem__(self, key):
        self._plugin.delete(key)

    def __iter__(self):
        return iter(self._plugin.keys())

    def __len__(self):
        return len(list(self._plugin.keys()))

    def clear(self):
        self._plugin.flush()


class _KeptOptions:
    """The options of a cache, as inventory plugins look at them."""

    def __init__(self, options):
        self._options = options

    def get_option(self, name, hostvars=None):
        return self._options[name]


class _Kept(MutableMapping):
    def __init__(self, folder, prefix, timeout):
        self._folder = folder and os.path.expanduser(folder)
        self._prefix = prefix
        self._timeout = timeout
        self._there = {}
        self._changed = set()

    def _path(self, key):
        return os.path.join(self._folder, self._prefix + key)

    def __getitem__(self, key):
        import json
        import time

        if key not in self._there:
            if not self._folder:
                raise KeyError(key)
            try:
                age = time.time() - os.path.getmtime(self._path(key))
                if self._timeout and age > self._timeout:
                    raise KeyError(key)
                with open(self._path(key), encoding="utf-8") as stream:
                    self._there[key] = json.load(stream)
            except (OSError, ValueError):
                raise KeyError(key)
        return self._there[key]

    def __setitem__(self, key, value):
        self._there[key] = value
        self._changed.add(key)

    def __delitem__(self, key):
        del self._there[key]

    def __iter__(self):
        return iter(self._there)

    def __len__(self):
        return len(self._there)

    def save(self):
        import json

        if not self._folder:
            return
        os.makedirs(self._folder, exist_ok=True)
        for key in self._changed:
            made = self._path(key) + ".new"
            with open(made, "w", encoding="utf-8") as stream:
                json.dump(self._there[key], stream)
            os.replace(made, self._path(key))
        self._changed.clear()


class Constructable:
    """Variables and groups made of the variables that hosts have."""

    def _compose(self, template, variables, disable_lookups=True):
        self.templar.available_variables = combine_vars(variables, self._vars)
        return self.templar.template("{{ %s }}" % template)

    def _set_composite_vars(self, compose, variables, host, strict=False):
        for name, expression in (compose or {}).items():
            try:
                value = self._compose(expression, variables)
            except Exception as error:
                if strict:
                    raise AnsibleError("Could not set %s for host %s: %s" % (name, host, to_native(error)))
                continue
            self.inventory.set_variable(host, name, value)

    def _add_host_to_composed_groups(self, groups, variables, host, strict=False, fetch_hostvars=True):
        if not groups:
            return
        if fetch_hostvars:
            variables = combine_vars(variables, self.inventory.get_host(host).get_vars())
        self.templar.available_variables = variables
        for name, condition in groups.items():
            wanted = "{%% if %s %%} True {%% else %%} False {%% endif %%}" % condition
            name = self._sanitize_group_name(name)
            try:
                is_in = str(self.templar.template(wanted)).strip() == "True"
            except Exception as error:
                if strict:
                    raise AnsibleParserError("Could not add host %s to group %s: %s" % (host, name, to_native(error)))
                continue
            if is_in:
                self.inventory.add_child(self.inventory.add_group(name), host)

    def _add_host_to_keyed_groups(self, keys, variables, host, strict=False, fetch_hostvars=True):
        if not keys:
            return
        for keyed in keys:
            if not isinstance(keyed, dict):
                raise AnsibleParserError("Invalid keyed group entry, it must be a dictionary: %s " % (keyed,))
            if fetch_hostvars:
                variables = combine_vars(variables, self.inventory.get_host(host).get_vars())
            default, trailing = keyed.get("default_value"), keyed.get("trailing_separator")
            if trailing is not None and default is not None:
                raise AnsibleParserError("parameters are mutually exclusive for keyed groups: default_value|trailing_separator")
            try:
                key = self._compose(keyed.get("key"), variables)
            except Exception as error:
                if strict:
                    raise AnsibleParserError(
                        "Could not generate group for host %s from %s entry: %s" % (host, keyed.get("key"), to_native(error))
                    )
                continue
            if not key and not (default is not None and key == ""):
                if strict and not isinstance(key, (list, dict)):
                    raise AnsibleParserError(
                        "No key or key resulted empty for %s in host %s, invalid entry" % (keyed.get("key"), host)
                    )
                continue
            self._keyed(keyed, key, default, trailing, variables, host)

    def _keyed(self, keyed, key, default, trailing, variables, host):
        separator, names = keyed.get("separator", "_"), []
        if isinstance(key, str):
            names.append(default if key == "" else key)
        elif isinstance(key, list):
            names.extend(default if default is not None and name == "" else name for name in key)
        elif isinstance(key, Mapping):
            for name, value in key.items():
                text = "%s%s%s" % (name, separator, value)
                if default is not None and value == "":
                    text = "%s%s%s" % (name, separator, default)
                elif trailing is False and value == "":
                    text = name
                names.append(text)
        else:
            raise AnsibleParserError("Invalid group name format, expected a string or a list of them or dictionary, got: %s" % type(key))
        prefix = keyed.get("prefix", "")
        for name in names:
            between = separator
            if prefix == "" and hasattr(self, "get_option"):
                try:
                    leads = self.get_option("leading_separator")
                except (KeyError, AnsibleOptionsError):
                    leads = True
                between = separator if leads else ""
            full = self._sanitize_group_name("%s%s%s" % (prefix, between, name))
            full = self.inventory.add_group(full)
            self.inventory.add_child(full, host)
            above = keyed.get("parent_group")
            if above:
                above = self.templar.template(str(above)) if "{{" in str(above) else above
                above = self.inventory.add_group(self._sanitize_group_name(above))
                self.inventory.add_child(above, full)
