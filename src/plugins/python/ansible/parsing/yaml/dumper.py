"""YAML as Ansible writes it, by PyYAML."""

import yaml

from _trueup.wire import RemoteMapping, UnsafeText, VaultText


class AnsibleDumper(yaml.SafeDumper):
    """Writes texts of all kinds as texts."""


for _kind in (UnsafeText, VaultText):
    AnsibleDumper.add_multi_representer(
        _kind, lambda dumper, text: yaml.representer.SafeRepresenter.represent_str(dumper, str(text))
    )
AnsibleDumper.add_multi_representer(
    RemoteMapping, lambda dumper, data: yaml.representer.SafeRepresenter.represent_dict(dumper, data.copy())
)
