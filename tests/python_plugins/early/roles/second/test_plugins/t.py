class TestModule:
    def tests(self):
        return {"of_second": lambda value: True}
