"""JSON as Ansible writes it."""

import json

from ansible.module_utils.common.json import AnsibleJSONEncoder  # noqa: F401


class AnsibleJSONDecoder(json.JSONDecoder):
    """Plain JSON."""
