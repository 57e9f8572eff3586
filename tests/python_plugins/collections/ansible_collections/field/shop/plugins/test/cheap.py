class TestModule(object):
    def tests(self):
        return {"cheap": lambda value: value < 10}
