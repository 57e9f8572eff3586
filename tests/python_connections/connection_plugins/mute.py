from __future__ import annotations

DOCUMENTATION = """
name: mute
short_description: a box that is told nothing
description: Commands have no input there.
options: {}
"""

from ansible.plugins.connection.local import Connection as LocalConnection


class Connection(LocalConnection):
    transport = 'mute'
    has_pipelining = False

    def exec_command(self, cmd, in_data=None, sudoable=True):
        assert in_data is None, 'there is no input'
        return super().exec_command(cmd, in_data=None, sudoable=sudoable)
