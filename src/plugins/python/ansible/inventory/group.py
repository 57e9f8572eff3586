"""Groups."""

from _trueup.inventories import Group  # noqa: F401
from ansible.plugins.inventory import to_safe_group_name  # noqa: F401
