#!/usr/bin/python
from ansible.module_utils.basic import AnsibleModule, missing_required_lib

try:
    import no_such_library
except ImportError:
    no_such_library = None

module = AnsibleModule(argument_spec={})
if no_such_library is None:
    module.fail_json(msg=missing_required_lib("no_such_library").split(" on ")[0])
