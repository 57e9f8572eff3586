from ansible.plugins.action import ActionBase


class ActionModule(ActionBase):
    _VALID_ARGS = frozenset(('word',))

    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        args = dict(self._task.args, word=self._task.args['word'] + '!')
        result.update(self._execute_module(module_args=args, task_vars=task_vars))
        return result
