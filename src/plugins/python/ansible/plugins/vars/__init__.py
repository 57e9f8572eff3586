"""Vars plugins."""

from ansible.plugins import AnsiblePlugin
from ansible.utils.display import Display
from ansible.utils.path import basedir

display = Display()


class BaseVarsPlugin(AnsiblePlugin):
    """Has variables for hosts and groups."""

    is_stateless = False
    _trueup_kind = "vars"

    def __init__(self):
        super().__init__()
        self._display = display

    def get_vars(self, loader, path, entities):
        self._basedir = basedir(path)
        return {}
