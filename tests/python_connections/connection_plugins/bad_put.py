from __future__ import annotations

DOCUMENTATION = """
name: bad_put
short_description: a box that takes no files
description: Files are lost on the way.
options: {}
"""

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.connection.local import Connection as LocalConnection


class Connection(LocalConnection):
    has_pipelining = False

    def put_file(self, in_path, out_path):
        raise AnsibleConnectionFailure('BADLOCAL Error: this is supposed to fail')
