#!/usr/bin/python
from ansible.module_utils.basic import AnsibleModule


def main():
    module = AnsibleModule(argument_spec={'word': {'type': 'str', 'required': True}}, supports_check_mode=True)
    module.exit_json(changed=False, word='<%s>' % module.params['word'])


main()
