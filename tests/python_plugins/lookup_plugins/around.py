"""A lookup that uses files, variables, templates and other lookups."""

from ansible.plugins.loader import lookup_loader
from ansible.plugins.lookup import LookupBase
from ansible.utils.listify import listify_lookup_plugin_terms


class LookupModule(LookupBase):
    def run(self, terms, variables=None, **kwargs):
        what, terms = terms[0], terms[1:]
        if what == "variable":
            return [variables[term] for term in terms]
        if what == "template":
            return [self._templar.template(term) for term in terms]
        if what == "overridden":
            self._templar.available_variables = dict(variables, word="other")
            return [self._templar.template("{{ word }} {{ number }}")]
        if what == "file":
            paths = [self.find_file_in_search_path(variables, "files", term) for term in terms]
            return [self._loader._get_file_contents(path)[0].decode().strip() for path in paths]
        if what == "loaded":
            return [self._loader.load_from_file(self.find_file_in_search_path(variables, "files", t)) for t in terms]
        if what == "other":
            return lookup_loader.get("sequence", loader=self._loader, templar=self._templar).run(
                list(terms), variables
            )
        if what == "listified":
            return listify_lookup_plugin_terms(terms=terms[0], templar=self._templar, loader=self._loader)
        if what == "wrong":
            return "a text"
        return [kwargs]
