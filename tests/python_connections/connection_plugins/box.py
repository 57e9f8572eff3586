from __future__ import annotations

DOCUMENTATION = """
name: box
short_description: a box
description: Runs commands here, and says what it was told.
options:
  host:
    description: the name of the box
    vars:
      - name: inventory_hostname
      - name: ansible_host
      - name: ansible_box_host
  flavour:
    description: what it tastes of
    default: plain
    env: [{name: BOX_FLAVOUR}]
    ini: [{section: box, key: flavour}]
    vars: [{name: ansible_box_flavour}]
  weight:
    description: how heavy it is
    type: int
    default: 7
    vars: [{name: ansible_box_weight}]
  remote_user:
    description: who is in it
    vars: [{name: ansible_user}]
    keyword: [{name: remote_user}]
"""

import shutil
import subprocess

from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.plugins.connection import ConnectionBase


class Connection(ConnectionBase):
    transport = 'box'
    has_pipelining = True

    def __init__(self, play_context, new_stdin, *args, **kwargs):
        super().__init__(play_context, new_stdin, *args, **kwargs)
        self.count = 0

    def _connect(self):
        if self.get_option('host') == 'nowhere':
            raise AnsibleConnectionFailure('no box is called nowhere')
        self._connected = True
        return self

    def exec_command(self, cmd, in_data=None, sudoable=True):
        super().exec_command(cmd, in_data=in_data, sudoable=sudoable)
        self.count += 1
        if cmd == 'explode':
            raise ValueError('it exploded')
        if cmd == 'refuse':
            raise AnsibleError('the box refuses {{ this }}')
        if cmd == 'lose':
            raise AnsibleConnectionFailure('the box is lost')
        if cmd == 'options':
            said = [str(self.get_option(name)) for name in ('host', 'flavour', 'weight', 'remote_user')]
            return 0, ' '.join(said + [self._play_context.remote_addr]), 'as text'
        if cmd == 'count':
            return self.count, b'counted', b''
        given = {'stdin': subprocess.DEVNULL} if in_data is None else {'input': in_data}
        done = subprocess.run(['/bin/sh', '-c', cmd], stdout=subprocess.PIPE, stderr=subprocess.PIPE, **given)
        return done.returncode, done.stdout, done.stderr

    def put_file(self, in_path, out_path):
        super().put_file(in_path, out_path)
        shutil.copyfile(in_path, out_path)

    def fetch_file(self, in_path, out_path):
        super().fetch_file(in_path, out_path)
        shutil.copyfile(in_path, out_path)

    def close(self):
        self._connected = False
