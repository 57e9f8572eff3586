"""Loads files of plugins, and finds the packages of collections."""

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import os
import sys
import types


class Places:
    def __init__(self, worker, said):
        self.worker = worker
        self._loaded = {}
        self._count = 0
        self.playbook_folder = said.get("folder", "")
        self.configuration = said.get("configuration")
        self.verbosity = said.get("verbosity", 0)
        sys.meta_path.insert(0, CollectionFinder(said.get("collections", [])))

    def load(self, path, kind, dotted=None):
        """The module that a file is; each file is loaded once."""
        if path in self._loaded:
            return self._loaded[path]
        if dotted:
            module = importlib.import_module(dotted)
        else:
            stem = os.path.splitext(os.path.basename(path))[0]
            self._count += 1
            name = "ansible.plugins.%s.%s" % (kind, stem)
            if kind in ("filter", "test") or name in sys.modules or importlib.util.find_spec(name) is not None:
                # Files of one name stand in several folders, and in Ansible; plugins see it by their name.
                name = "ansible.plugins.%s.%d_%s" % (kind, self._count, stem)
            spec = importlib.util.spec_from_file_location(name, path)
            module = importlib.util.module_from_spec(spec)
            sys.modules[name] = module
            try:
                spec.loader.exec_module(module)
            except BaseException:
                sys.modules.pop(name, None)
                raise
        self._loaded[path] = module
        return module


class CollectionFinder(importlib.abc.MetaPathFinder):
    """`ansible_collections`, its namespaces and its collections: folders in several places."""

    def __init__(self, roots):
        self._roots = roots

    def find_spec(self, fullname, path=None, target=None):
        parts = fullname.split(".")
        if parts[0] != "ansible_collections":
            return None
        if parts[1:3] == ["ansible", "builtin"]:
            return self._builtin(fullname, parts)
        if len(parts) > 3:
            return self._below(fullname, parts)
        folders = [os.path.join(root, *parts) for root in self._roots]
        folders = [folder for folder in folders if os.path.isdir(folder)]
        if not folders and len(parts) > 1:
            return None
        spec = importlib.machinery.ModuleSpec(fullname, None, is_package=True)
        # A collection is in one place: the first.
        spec.submodule_search_locations = folders[:1] if len(parts) == 3 else folders
        spec.loader = _Empty()
        return spec

    def _below(self, fullname, parts):
        """A file or folder of a collection; folders are packages whether they say so or not."""
        parent = sys.modules.get(fullname.rpartition(".")[0])
        for folder in getattr(parent, "__path__", ()):
            base = os.path.join(folder, parts[-1])
            for path, is_package in ((base + "/__init__.py", True), (base + ".py", False)):
                if os.path.isfile(path):
                    return importlib.util.spec_from_file_location(
                        fullname, path, submodule_search_locations=[base] if is_package else None
                    )
            if os.path.isdir(base):
                spec = importlib.machinery.ModuleSpec(fullname, _Empty(), is_package=True)
                spec.submodule_search_locations = [base]
                return spec
        return None

    @staticmethod
    def _builtin(fullname, parts):
        """`ansible.builtin` is Ansible itself."""
        if len(parts) < 5:
            spec = importlib.machinery.ModuleSpec(fullname, _Empty(), is_package=True)
            spec.submodule_search_locations = []
            return spec
        rest = parts[4:]
        root = "ansible" if rest[0] in ("module_utils", "modules") else "ansible.plugins"
        real = importlib.import_module(".".join([root] + rest))
        return importlib.machinery.ModuleSpec(
            fullname, _Alias(real), is_package=hasattr(real, "__path__")
        )


class _Empty(importlib.abc.Loader):
    def create_module(self, spec):
        return None

    def exec_module(self, module):
        pass


class _Alias(importlib.abc.Loader):
    def __init__(self, real):
        self._real = real

    def create_module(self, spec):
        alias = types.ModuleType(spec.name)
        alias.__dict__.update(
            {k: v for k, v in self._real.__dict__.items() if not k.startswith("__")}
        )
        return alias

    def exec_module(self, module):
        pass
