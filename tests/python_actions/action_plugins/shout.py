from ansible.plugins.action.copy import ActionModule as CopyAction


class ActionModule(CopyAction):
    def run(self, tmp=None, task_vars=None):
        self._task.args = dict(self._task.args, content=self._task.args['content'].upper())
        result = super().run(tmp, task_vars)
        result['shouted'] = True
        return result
