"""YAML as Ansible reads it, by PyYAML."""

import yaml


class AnsibleLoader(yaml.SafeLoader):
    def __init__(self, stream, file_name=None, vault_secrets=None):
        super().__init__(stream)
