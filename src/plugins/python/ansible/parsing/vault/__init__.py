"""Encrypted texts, decrypted by the controller."""

from _trueup import work_now
from ansible.errors import AnsibleError


class AnsibleVaultError(AnsibleError):
    pass


class AnsibleVaultFormatError(AnsibleError):
    pass


def is_encrypted(data):
    text = data.decode("utf-8", "replace") if isinstance(data, bytes) else data
    return isinstance(text, str) and text.startswith("$ANSIBLE_VAULT;")


class VaultLib:
    def __init__(self, secrets=None, cipher_name=None):
        self.secrets = secrets

    @staticmethod
    def is_encrypted(data):
        return is_encrypted(data)

    def decrypt(self, vaulttext, filename=None, obj=None):
        text = vaulttext.decode("utf-8") if isinstance(vaulttext, bytes) else vaulttext
        return work_now().ask("decrypt", text=text).encode("utf-8")
