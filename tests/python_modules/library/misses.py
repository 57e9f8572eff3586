#!/usr/bin/python
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.nowhere.at import all

AnsibleModule(argument_spec={}).exit_json()
