"""The part of the package `ansible` that modules import on hosts: `ansible.module_utils`.

Written for Trueup from the documented interface and from how it is observed to behave. Python 3.6
and later.
"""

__version__ = "2.18.0"
__author__ = "Ansible, Inc."
