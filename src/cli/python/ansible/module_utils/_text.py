"""The former place of the converters of texts."""

import codecs  # noqa: F401

from ansible.module_utils.common.text.converters import (  # noqa: F401
    to_bytes,
    to_native,
    to_text,
)

PY3 = True
text_type = str
binary_type = bytes
