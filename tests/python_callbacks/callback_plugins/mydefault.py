from ansible.plugins.callback.default import CallbackModule as Default
DOCUMENTATION = '''
name: mydefault
type: stdout
short_description: x
extends_documentation_fragment: [default_callback, result_format_callback]
'''
class CallbackModule(Default):
    CALLBACK_TYPE = 'stdout'
    CALLBACK_NAME = 'mydefault'
    def v2_runner_on_ok(self, result):
        super().v2_runner_on_ok(result)
        self._display.display('  (mine)', color='green')
