from ansible.plugins.callback import CallbackBase
class CallbackModule(CallbackBase):
    CALLBACK_NEEDS_ENABLED = True
    def v2_playbook_on_stats(self, stats):
        print('needs was enabled')
