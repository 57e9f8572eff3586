from ansible.plugins.action import ActionBase
from ansible_collections.field.shop.plugins.module_utils.prices import price


class ActionModule(ActionBase):
    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        result['price'] = price(self._task.args['goods'])
        return result
