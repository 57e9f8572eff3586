"""Values that were read from YAML."""

from _trueup.wire import VaultText


class AnsibleBaseYAMLObject:
    ansible_pos = ("", 0, 0)


class AnsibleUnicode(str, AnsibleBaseYAMLObject):
    pass


class AnsibleMapping(dict, AnsibleBaseYAMLObject):
    pass


class AnsibleSequence(list, AnsibleBaseYAMLObject):
    pass


AnsibleVaultEncryptedUnicode = VaultText
