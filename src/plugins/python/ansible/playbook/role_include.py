"""Includes of roles."""

from ansible.playbook.task_include import TaskInclude


class IncludeRole(TaskInclude):
    pass
