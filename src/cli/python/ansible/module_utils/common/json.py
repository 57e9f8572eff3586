"""JSON of what Ansible passes around."""

import datetime
import json
from collections.abc import Mapping

from ansible.module_utils.common.collections import is_sequence
from ansible.module_utils.common.text.converters import to_text


def _is_unsafe(value):
    return getattr(value, "__UNSAFE__", False) and not getattr(value, "__ENCRYPTED__", False)


def _is_vault(value):
    return getattr(value, "__ENCRYPTED__", False)


def _wrap_unsafe(value):
    strip = getattr(value, "_strip_unsafe", None)
    text = strip() if strip is not None else value
    return {"__ansible_unsafe": to_text(text, errors="surrogate_or_strict", nonstring="strict")}


def _preprocess_unsafe_encode(value):
    """Wraps texts that are marked as unsafe, at all depths."""
    if _is_unsafe(value):
        return _wrap_unsafe(value)
    if is_sequence(value):
        return [_preprocess_unsafe_encode(one) for one in value]
    if isinstance(value, Mapping):
        return {name: _preprocess_unsafe_encode(one) for name, one in value.items()}
    return value


class AnsibleJSONEncoder(json.JSONEncoder):
    """Encodes vaulted and unsafe texts, mappings, and times besides what json knows."""

    def __init__(self, preprocess_unsafe=False, vault_to_text=False, **kwargs):
        self._preprocess_unsafe = preprocess_unsafe
        self._vault_to_text = vault_to_text
        super(AnsibleJSONEncoder, self).__init__(**kwargs)

    def default(self, o):
        if _is_vault(o):
            if self._vault_to_text:
                return to_text(o, errors="surrogate_or_strict")
            cipher = to_text(o._ciphertext, errors="surrogate_or_strict", nonstring="strict")
            return {"__ansible_vault": cipher}
        if _is_unsafe(o):
            return _wrap_unsafe(o)
        if isinstance(o, Mapping):
            return dict(o)
        if isinstance(o, (datetime.date, datetime.datetime)):
            return o.isoformat()
        return super(AnsibleJSONEncoder, self).default(o)

    def iterencode(self, o, **kwargs):
        if self._preprocess_unsafe:
            o = _preprocess_unsafe_encode(o)
        return super(AnsibleJSONEncoder, self).iterencode(o, **kwargs)


def json_dump(structure):
    """JSON for people: indented, sorted by key."""
    return json.dumps(structure, cls=AnsibleJSONEncoder, sort_keys=True, indent=4)
