class FilterModule(object):
    def filters(self):
        return {"of_role": lambda value: "role %s" % value, "greet": lambda value: "hidden by the playbook's"}
