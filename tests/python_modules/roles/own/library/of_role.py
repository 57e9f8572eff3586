#!/usr/bin/python
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.of_role_only.words import WORD
from ansible.module_utils.ansible_release import __version__

AnsibleModule(argument_spec={}).exit_json(word=WORD, version=__version__)
