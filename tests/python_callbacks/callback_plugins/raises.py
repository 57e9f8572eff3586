from ansible.plugins.callback import CallbackBase
class CallbackModule(CallbackBase):
    def playbook_on_task_start(self, name, is_conditional):
        raise ValueError('no task %s' % name)
    def runner_on_failed(self, host, res, ignore_errors=False):
        print('old failed', host, res['msg'], ignore_errors)
    def on_any(self, *args, **kwargs):
        if len(args) == 2 and len(args[0]) > 1: print('any', len(args[0]), kwargs)
