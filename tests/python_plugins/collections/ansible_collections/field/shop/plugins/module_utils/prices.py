CURRENCY = "EUR"


def price(value):
    return "%.2f %s" % (value, CURRENCY)
