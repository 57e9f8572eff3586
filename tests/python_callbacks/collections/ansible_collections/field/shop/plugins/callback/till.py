from ansible.plugins.callback import CallbackBase

DOCUMENTATION = '''
name: till
type: aggregate
short_description: counts
options:
  currency:
    description: what is counted in
    default: EUR
    choices: [EUR, USD]
    env: [{name: TILL_CURRENCY}]
'''


class CallbackModule(CallbackBase):
    CALLBACK_NAME = 'field.shop.till'
    CALLBACK_NEEDS_ENABLED = True

    def v2_playbook_on_stats(self, stats):
        print('till in %s: %d' % (self.get_option('currency'), len(stats.processed)))
