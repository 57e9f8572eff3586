import os
class CallbackModule(object):
    def set_options(self, *a, **k):
        self.n = []
    def runner_on_ok(self, host, res):
        pass
    def playbook_on_stats(self, stats):
        print('old saw', len(self.n))
    def on_any(self, *args, **kwargs):
        self.n.append(1)
