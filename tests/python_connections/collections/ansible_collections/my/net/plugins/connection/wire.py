from __future__ import annotations

DOCUMENTATION = """
name: wire
short_description: a wire
description: Of a collection.
options:
  colour:
    description: its colour
    default: red
    vars: [{name: ansible_wire_colour}]
"""

from ansible.plugins.connection.local import Connection as LocalConnection


class Connection(LocalConnection):
    transport = 'my.net.wire'

    def exec_command(self, cmd, in_data=None, sudoable=True):
        if cmd == 'options':
            become = self.become.name if self.become else None
            return 0, b'%s wire' % self.get_option('colour').encode(), str(become).encode()
        return super().exec_command(cmd, in_data=in_data, sudoable=sudoable)
