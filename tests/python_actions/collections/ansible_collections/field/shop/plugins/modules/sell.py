#!/usr/bin/python
from ansible.module_utils.basic import AnsibleModule

module = AnsibleModule(argument_spec={'goods': {'type': 'str'}})
module.exit_json(changed=True, sold=module.params['goods'])
