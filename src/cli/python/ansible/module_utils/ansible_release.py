"""The release of ansible-core whose interface is kept."""

__version__ = "2.18.0"
__author__ = "Ansible, Inc."
__codename__ = "Fool in the Rain"
