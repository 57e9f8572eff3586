from ansible.plugins.callback import CallbackBase
class CallbackModule(CallbackBase):
    def v2_playbook_on_stats(self, stats):
        print('role callback', sorted(stats.processed))
