#!/usr/bin/python
from ansible.module_utils.basic import AnsibleModule
from ansible_collections.made.up.plugins.module_utils.deep.place import PLACE
from ansible_collections.made.up.plugins.module_utils import near
from ..module_utils.deep import place

AnsibleModule(argument_spec={"z": {}}).exit_json(place=PLACE, near=near.NEAR, same=place.PLACE is PLACE)
