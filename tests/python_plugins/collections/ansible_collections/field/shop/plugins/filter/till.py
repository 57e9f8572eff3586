from ansible_collections.field.shop.plugins.module_utils.prices import price
from ..module_utils.prices import CURRENCY


class FilterModule(object):
    def filters(self):
        return {"price": price, "currency": lambda value: "%s %s" % (value, CURRENCY)}
