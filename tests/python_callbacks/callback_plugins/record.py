import json, os
from ansible.plugins.callback import CallbackBase

DOCUMENTATION = '''
name: record
type: notification
short_description: writes down what it is told
options:
  prefix:
    description: stands before lines
    default: ev
    env: [{name: RECORD_PREFIX}]
    ini: [{section: callback_record, key: prefix}]
  count:
    description: number
    type: int
    default: 3
'''


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = 'notification'
    CALLBACK_NAME = 'record'

    def __init__(self):
        super().__init__()
        self.lines = []

    def say(self, name, *words):
        self.lines.append(' '.join([self.get_option('prefix'), name] + [w if isinstance(w, str) else json.dumps(w, sort_keys=True, default=str) for w in words]))

    def result(self, name, result, **more):
        shown = {k: v for k, v in result._result.items() if k in ('msg', 'changed', 'skip_reason', 'item', 'censored', 'attempts', 'retries', 'false_condition', 'ansible_loop_var', '_ansible_item_label', '_ansible_no_log', '_ansible_verbose_always', 'x', 'ansible_facts', 'failed', 'skipped', 'rc', 'stdout')}
        if 'results' in result._result:
            shown['results'] = len(result._result['results'])
        args = {k: v for k, v in result._task.args.items() if not k.startswith('_ansible_')}
        if result._task.get_name() == 'Gathering Facts' or 'free' in result._task.tags:
            args = {}
        self.say(name, result._host.get_name(), result._task.get_name(), result.task_name, result._task.action, args, shown, more,
                 [result.is_changed(), result.is_failed(), result.is_skipped(), result.is_unreachable()])

    def v2_playbook_on_start(self, playbook):
        self.say('start', os.path.basename(playbook._file_name), [p.get_name() for p in playbook.get_plays()])
        assert self.get_option('count') == 3

    def v2_playbook_on_play_start(self, play):
        vm = play.get_variable_manager()
        self.say('play', play.get_name(), play.hosts, dict(play.vars), vm.get_vars(play=play).get('fromcli'), sorted(vm.extra_vars), play.strategy, play.tags)

    def v2_playbook_on_task_start(self, task, is_conditional):
        self.say('task', task.get_name(), task.name, task.action, task.args, task.no_log, is_conditional, task.tags, os.path.basename(task.get_path()), bool(task.loop), task.register, str(task._role))

    def v2_playbook_on_handler_task_start(self, task):
        self.say('handler', task.get_name())

    def v2_playbook_on_notify(self, handler, host):
        self.say('notify', handler.get_name(), host.get_name())

    def v2_playbook_on_include(self, included_file):
        self.say('include', os.path.basename(included_file._filename), [h.name for h in included_file._hosts])

    def v2_playbook_on_no_hosts_matched(self):
        self.say('nohosts')

    def v2_playbook_on_no_hosts_remaining(self):
        self.say('noremaining')

    def v2_runner_on_start(self, host, task):
        self.say('hoststart', host.get_name(), task.get_name(), {k: host.get_vars()[k] for k in ('number', 'inventory_hostname', 'group_names') if k in host.get_vars()}, sorted(g.name for g in host.groups))

    def v2_runner_on_ok(self, result):
        self.result('ok', result)

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self.result('failed', result, ignore_errors=ignore_errors)

    def v2_runner_on_skipped(self, result):
        self.result('skipped', result)

    def v2_runner_on_unreachable(self, result):
        self.result('unreachable', result)

    def v2_runner_item_on_ok(self, result):
        self.result('item_ok', result)

    def v2_runner_item_on_failed(self, result):
        self.result('item_failed', result)

    def v2_runner_item_on_skipped(self, result):
        self.result('item_skipped', result)

    def v2_runner_retry(self, result):
        self.result('retry', result)

    def v2_on_file_diff(self, result):
        self.say('diff', self._get_diff(result._result['diff']) if 'diff' in result._result else 'loop')

    def v2_playbook_on_stats(self, stats):
        self.say('stats', sorted(stats.processed), {h: stats.summarize(h) for h in stats.processed}, stats.custom)
        self._display.display('recorded %d' % len(self.lines))
        self._display.banner('A BANNER')
        self._display.warning('a warning')
        print('printed')
        with open(os.path.join(os.getcwd(), 'recorded.txt'), 'w') as f:
            f.write('\n'.join(self.lines) + '\n')
