"""Lookups."""

from abc import abstractmethod

from ansible.errors import AnsibleFileNotFound
from ansible.plugins import AnsiblePlugin
from ansible.utils.display import Display

__all__ = ["LookupBase"]

display = Display()


class LookupBase(AnsiblePlugin):
    """A lookup: terms and variables to a list."""

    _trueup_kind = "lookup"

    def __init__(self, loader=None, templar=None, **kwargs):
        super().__init__()
        self._loader = loader
        self._templar = templar
        self._display = display
        self.set_display = None

    def get_basedir(self, variables):
        if "role_path" in variables:
            return variables["role_path"]
        return self._loader.get_basedir()

    @staticmethod
    def _flatten(terms):
        flat = []
        for term in terms:
            flat.extend(term) if isinstance(term, (list, tuple)) else flat.append(term)
        return flat

    @staticmethod
    def _combine(a, b):
        return [LookupBase._flatten([x, y]) for x in a for y in b]

    @staticmethod
    def _flatten_hash_to_list(terms):
        return [{"key": key, "value": terms[key]} for key in terms]

    @abstractmethod
    def run(self, terms, variables=None, **kwargs):
        """Returns a list."""

    def find_file_in_search_path(self, myvars, subdir, needle, ignore_missing=False):
        paths = myvars["ansible_search_path"] if "ansible_search_path" in myvars else self.get_basedir(myvars)
        if isinstance(paths, (str, bytes)):
            paths = [paths]
        try:
            return self._loader.path_dwim_relative_stack(paths, subdir, needle)
        except AnsibleFileNotFound:
            if not ignore_missing:
                self._display.warning("Unable to find '%s' in expected paths (use -vvvvv to see paths)" % needle)
        return None

    def _deprecate_inline_kv(self):
        pass


