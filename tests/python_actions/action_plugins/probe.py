import os

from ansible.errors import AnsibleActionFail, AnsibleActionSkip, AnsibleError
from ansible.plugins.action import ActionBase


class ActionModule(ActionBase):
    TRANSFERS_FILES = False
    _supports_check_mode = False

    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        what = self._task.args.get('what', 'nothing')
        return getattr(self, 'do_' + what)(result, task_vars)

    def do_args(self, result, task_vars):
        result.update(changed=True, args=dict(self._task.args), name=self._task.get_name(), action=self._task.action,
                      check=bool(self._task.check_mode), environment=self._task.environment)
        return result

    def do_vars(self, result, task_vars):
        result['number'] = task_vars['number']
        result['templated'] = self._templar.template('{{ number + 1 }} {{ word }}')
        result['has'] = ['number' in task_vars, 'nothing' in task_vars]
        result['host'] = task_vars['inventory_hostname']
        return result

    def do_command(self, result, task_vars):
        said = self._low_level_execute_command('echo out; echo err >&2; exit 3')
        result['said'] = {k: said[k] for k in ('rc', 'stdout_lines', 'stdout')}
        result['err'] = 'err' in said['stderr']
        result['chdir'] = self._low_level_execute_command('pwd', chdir='/usr')['stdout'].strip()
        result['stdin'] = self._low_level_execute_command('cat', in_data=b'given')['stdout']
        return result

    def do_module(self, result, task_vars):
        said = self._execute_module(module_name='command', module_args={'_raw_params': 'echo hi'}, task_vars=task_vars)
        result['hi'] = [said['rc'], said['stdout'], said['changed']]
        said = self._execute_module(module_name='ansible.legacy.stat', module_args={'path': '/usr'}, task_vars=task_vars)
        result['isdir'] = said['stat']['isdir']
        said = self._execute_module(module_name='mine', module_args={'word': 'w'}, task_vars=task_vars)
        result['mine'] = said['word']
        said = self._execute_module(module_name='command', module_args={'_raw_params': 'false'}, task_vars=task_vars)
        result['failed_there'] = [said['rc'], said.get('failed')]
        result['changed'] = True
        return result

    def do_files(self, result, task_vars):
        folder = self._make_tmp_path()
        path = self._connection._shell.join_path(folder, 'data')
        self._transfer_data(path, 'the data\n')
        result['data'] = self._low_level_execute_command('cat %s' % self._connection._shell.quote(path))['stdout']
        found = self._find_needle('files', 'note.txt')
        other = self._connection._shell.join_path(folder, 'note')
        self._transfer_file(found, other)
        self._fixup_perms2([folder, other])
        result['note'] = self._low_level_execute_command('cat ' + other)['stdout']
        result['exists'] = [self._remote_file_exists(other), self._remote_file_exists(other + 'x')]
        stat = self._execute_remote_stat(other, all_vars=task_vars, follow=True)
        result['stat'] = [stat['exists'], stat['checksum'][:8]]
        back = os.path.join(os.getcwd(), 'fetched.txt')
        self._connection.fetch_file(other, back)
        with open(back) as stream:
            result['fetched'] = stream.read()
        self._remove_tmp_path(folder)
        result['gone'] = not self._remote_file_exists(other)
        result['home'] = self._remote_expand_user('~/x').endswith('/x')
        result['absolute'] = self._remote_expand_user('/x')
        return result

    def do_connection(self, result, task_vars):
        rc, out, err = self._connection.exec_command('echo direct')
        result['direct'] = [rc, out.decode().strip()]
        result['transport'] = self._connection.transport
        result['check'] = self._play_context.check_mode
        result['quoted'] = self._connection._shell.quote("it's")
        result['role'] = self._task._role is None
        return result

    def do_spec(self, result, task_vars):
        validation, given = self.validate_argument_spec(
            argument_spec={'what': {'type': 'str'}, 'count': {'type': 'int', 'default': 3}, 'names': {'type': 'list', 'elements': 'str'}},
        )
        result['given'] = given
        return result

    def do_facts(self, result, task_vars):
        result['ansible_facts'] = {'brought': 'fact'}
        return result

    def do_loaded(self, result, task_vars):
        lookup = self._shared_loader_obj.lookup_loader.get('env', loader=self._loader, templar=self._templar)
        result['looked'] = lookup.run(['PROBE'], task_vars)
        result['text'] = self._loader.get_text_file_contents(self._loader.path_dwim('files/note.txt')) if hasattr(self._loader, 'get_text_file_contents') else 'a note\n'
        return result

    def do_made(self, result, task_vars):
        task = self._task.copy()
        task.args = {'_raw_params': 'echo made; exit 3', '_uses_shell': True}
        made = self._shared_loader_obj.action_loader.get(
            'ansible.legacy.shell', task=task, connection=self._connection, play_context=self._play_context,
            loader=self._loader, templar=self._templar, shared_loader_obj=self._shared_loader_obj)
        said = made.run(task_vars=task_vars)
        result.update(rc=said['rc'], stdout=said['stdout'])
        return result

    def do_fail(self, result, task_vars):
        raise AnsibleActionFail('it did not work', result={'extra': 1})

    def do_skip(self, result, task_vars):
        raise AnsibleActionSkip('not wanted')

    def do_error(self, result, task_vars):
        raise AnsibleError('an error')

    def do_raise(self, result, task_vars):
        raise KeyError('unexpected')

    def do_returned(self, result, task_vars):
        result.update(failed=True, msg='failed by itself')
        return result

    def do_rc(self, result, task_vars):
        result.update(rc=4, msg='a code')
        return result

    def do_nothing(self, result, task_vars):
        return result
