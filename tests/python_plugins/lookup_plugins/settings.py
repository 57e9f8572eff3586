"""A lookup with options."""

DOCUMENTATION = """
name: settings
author: nobody
short_description: shows its options
description: shows its options
options:
  _terms:
    description: names
    required: true
  colour:
    description: a colour
    default: blue
    choices: [blue, red, green]
    env:
      - name: SETTINGS_COLOUR
    ini:
      - section: settings_lookup
        key: colour
    vars:
      - name: settings_colour
  count:
    description: a number
    type: int
    default: 1
  names:
    description: a list
    type: list
    elements: str
    default: []
"""

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase


class LookupModule(LookupBase):
    def run(self, terms, variables=None, **kwargs):
        self.set_options(var_options=variables, direct=kwargs)
        made = []
        for term in terms:
            if term == "wrong":
                raise AnsibleLookupError("there is no %s" % term)
            made.append(
                [term, self.get_option("colour"), self.get_option("count"), self.get_option("names")]
            )
        return made
