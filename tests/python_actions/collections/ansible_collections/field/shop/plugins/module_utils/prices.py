def price(goods):
    return len(goods)
