class FilterModule:
    def filters(self):
        return {"of_second": lambda value: "filtered %s" % value}
