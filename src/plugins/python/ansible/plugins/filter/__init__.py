"""Filters; those of Ansible are done by the controller."""


class AnsibleJinja2Filter:
    """A filter as Ansible keeps it."""

    def __init__(self, function):
        self.j2_function = function

    def __call__(self, *arguments, **named):
        return self.j2_function(*arguments, **named)
