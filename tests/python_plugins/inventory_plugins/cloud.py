"""An inventory of the shape that clouds have: options, composed variables, groups by keys."""

DOCUMENTATION = """
name: cloud
author: nobody
short_description: machines of a cloud that is a list
description: machines of a cloud that is a list
extends_documentation_fragment: [constructed, inventory_cache]
options:
  plugin:
    description: this
    required: true
    choices: [cloud]
  regions:
    description: where
    type: list
    elements: str
    default: [north]
  token:
    description: a secret
    env:
      - name: CLOUD_TOKEN
    default: none
"""

from ansible.errors import AnsibleParserError
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable

MACHINES = [
    {"name": "north1", "region": "north", "tags": {"role": "web", "size": "big"}},
    {"name": "north2", "region": "north", "tags": {"role": "db"}},
    {"name": "south1", "region": "south", "tags": {"role": "web"}},
]


class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):
    NAME = "cloud"

    def verify_file(self, path):
        return super().verify_file(path) and path.endswith(("cloud.yml", "cloud.yaml"))

    def parse(self, inventory, loader, path, cache=True):
        super().parse(inventory, loader, path, cache)
        self._read_config_data(path)
        regions = self.get_option("regions")
        if "nowhere" in regions:
            raise AnsibleParserError("there is no region nowhere")
        self.inventory.add_group("machines")
        self.inventory.set_variable("machines", "token", self.get_option("token"))
        strict = self.get_option("strict")
        for machine in MACHINES:
            if machine["region"] not in regions:
                continue
            name = machine["name"]
            self.inventory.add_host(name, group="machines")
            for key, value in machine.items():
                self.inventory.set_variable(name, key, value)
            self._set_composite_vars(self.get_option("compose"), machine, name, strict)
            self._add_host_to_composed_groups(self.get_option("groups"), machine, name, strict)
            self._add_host_to_keyed_groups(self.get_option("keyed_groups"), machine, name, strict)
