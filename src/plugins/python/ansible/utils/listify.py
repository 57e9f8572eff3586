"""Terms of loops."""

from collections.abc import Iterable


def listify_lookup_plugin_terms(terms, templar=None, loader=None, fail_on_undefined=True, convert_bare=False):
    if isinstance(terms, str):
        terms = terms.strip()
    if templar is not None:
        terms = templar.template(terms, convert_bare=convert_bare, fail_on_undefined=fail_on_undefined)
    if isinstance(terms, str) or not isinstance(terms, Iterable):
        terms = [terms]
    return terms
