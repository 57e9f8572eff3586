#!/usr/bin/python
from __future__ import absolute_import, division, print_function

__metaclass__ = type

from ansible.module_utils import basic
from ansible.module_utils.six.moves.urllib.parse import urlencode
from ansible.module_utils.greeting import GREETING


def main():
    module = basic.AnsibleModule(argument_spec={"command": {"type": "list", "elements": "str"}})
    status, out, err = module.run_command(module.params["command"], check_rc=True)
    module.exit_json(rc=status, stdout=out, stderr=err, greeting=GREETING, url=urlencode({"a": "b c"}))


main()
