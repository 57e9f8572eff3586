"""Variables of hosts and groups that are computed."""

import os

from ansible.inventory.group import Group
from ansible.inventory.host import Host
from ansible.plugins.vars import BaseVarsPlugin


class VarsModule(BaseVarsPlugin):
    def get_vars(self, loader, path, entities, cache=True):
        super().get_vars(loader, path, entities)
        made = {}
        for entity in entities if isinstance(entities, list) else [entities]:
            if isinstance(entity, Host):
                made["of_host"] = "host %s" % entity.name
                made["templated"] = "{{ number }}!"
            elif isinstance(entity, Group):
                made["of_group"] = "group %s" % entity.name
        made["beside"] = os.path.basename(path)
        return made
