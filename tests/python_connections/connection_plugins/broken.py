from __future__ import annotations

DOCUMENTATION = """
name: broken
short_description: a box that cannot be made
description: It raises at once.
options: {}
"""

from ansible.errors import AnsibleError
from ansible.plugins.connection.local import Connection as LocalConnection


class Connection(LocalConnection):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        raise AnsibleError('an error with {{ some Jinja }}')
