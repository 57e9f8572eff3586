"""Caches: what their plugins inherit."""

import abc
import os
import tempfile
import time

from ansible.errors import AnsibleError
from ansible.plugins import AnsiblePlugin
from ansible.utils.display import Display

display = Display()


class BaseCacheModule(AnsiblePlugin, metaclass=abc.ABCMeta):
    """Values by key, for as long as the plugin keeps them."""

    _display = display

    def __init__(self, *args, **kwargs):
        super().__init__()
        self.set_options(var_options=args[0] if args else None, direct=kwargs)

    @abc.abstractmethod
    def get(self, key):
        pass

    @abc.abstractmethod
    def set(self, key, value):
        pass

    @abc.abstractmethod
    def keys(self):
        pass

    @abc.abstractmethod
    def contains(self, key):
        pass

    @abc.abstractmethod
    def delete(self, key):
        pass

    @abc.abstractmethod
    def flush(self):
        pass

    @abc.abstractmethod
    def copy(self):
        pass


class BaseFileCacheModule(BaseCacheModule):
    """A file a key, in one folder."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self._cache = {}
        self.plugin_name = self._load_name or self.__module__.rpartition(".")[2]
        self._cache_dir = self._folder_of(self.get_option("_uri"))
        self._timeout = float(self.get_option("_timeout"))
        self.validate_cache_connection()

    @staticmethod
    def _folder_of(said):
        return os.path.expanduser(os.path.expandvars(said)) if said else None

    _get_cache_connection = _folder_of

    def validate_cache_connection(self):
        if not self._cache_dir:
            raise AnsibleError(
                "error, '%s' cache plugin requires the 'fact_caching_connection' config option to be set "
                "(to a writeable directory path)" % self.plugin_name
            )
        if not os.path.exists(self._cache_dir):
            try:
                os.makedirs(self._cache_dir)
            except OSError as error:
                raise AnsibleError(
                    "error in '%s' cache plugin while trying to create cache dir %s : %s"
                    % (self.plugin_name, self._cache_dir, error)
                )
        mode = os.R_OK | os.W_OK | os.X_OK
        if not os.access(self._cache_dir, mode):
            raise AnsibleError(
                "error in '%s' cache, configured path (%s) does not have necessary permissions (rwx), disabling plugin"
                % (self.plugin_name, self._cache_dir)
            )

    def _get_cache_file_name(self, key):
        prefix = self.get_option("_prefix") if self.has_option("_prefix") else None
        return os.path.join(self._cache_dir, "%s%s" % (prefix or "", key))

    def get(self, key):
        if key not in self._cache:
            if self.has_expired(key) or key == "":
                raise KeyError(key)
            path = self._get_cache_file_name(key)
            try:
                self._cache[key] = self._load(path)
            except ValueError as error:
                self.delete(key)
                raise AnsibleError(
                    "The cache file %s was corrupt, or did not otherwise contain valid data (%s). It has been removed, "
                    "so you can re-run your command now." % (path, error)
                )
            except FileNotFoundError:
                raise KeyError(key)
        return self._cache.get(key)

    def set(self, key, value):
        self._cache[key] = value
        path = self._get_cache_file_name(key)
        descriptor, temporary = tempfile.mkstemp(dir=os.path.dirname(path))
        os.close(descriptor)
        try:
            self._dump(value, temporary)
            os.chmod(temporary, 0o644)
            os.replace(temporary, path)
        finally:
            if os.path.exists(temporary):
                os.unlink(temporary)

    def has_expired(self, key):
        if self._timeout == 0:
            return False
        try:
            written = os.stat(self._get_cache_file_name(key)).st_mtime
        except FileNotFoundError:
            return False
        if time.time() - written <= self._timeout:
            return False
        self._cache.pop(key, None)
        return True

    def keys(self):
        prefix = (self.get_option("_prefix") if self.has_option("_prefix") else None) or ""
        names = (name for name in os.listdir(self._cache_dir) if not name.startswith(".") and name.startswith(prefix))
        return [name[len(prefix):] for name in names if not self.has_expired(name[len(prefix):])]

    def contains(self, key):
        if key in self._cache:
            return True
        return not self.has_expired(key) and os.path.isfile(self._get_cache_file_name(key))

    def delete(self, key):
        self._cache.pop(key, None)
        try:
            os.remove(self._get_cache_file_name(key))
        except FileNotFoundError:
            pass

    def flush(self):
        for key in self.keys():
            self.delete(key)
        self._cache = {}

    def copy(self):
        return {key: self.get(key) for key in self.keys()}

    @abc.abstractmethod
    def _load(self, filepath):
        pass

    @abc.abstractmethod
    def _dump(self, value, filepath):
        pass
