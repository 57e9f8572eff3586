"""Templates, rendered by the controller."""

from jinja2.runtime import StrictUndefined


class AnsibleUndefined(StrictUndefined):
    """What is missing: attributes of it are missing as well."""

    def __getattr__(self, name):
        if name == "__UNSAFE__":
            raise AttributeError(name)
        return self._extended()

    def __getitem__(self, key):
        return self._extended()

    def _extended(self):
        return AnsibleUndefined(hint=self._undefined_hint, name=self._undefined_name)

    def __repr__(self):
        return "AnsibleUndefined(hint={0!r}, obj={1!r}, name={2!r})".format(
            self._undefined_hint, self._undefined_obj, self._undefined_name
        )

    def __contains__(self, item):
        self._fail_with_undefined_error()


def is_template(data, jinja_env=None):
    return isinstance(data, str) and any(mark in data for mark in ("{{", "{%", "{#"))


def generate_ansible_template_vars(path, fullpath=None, dest_path=None):
    import os

    made = {"template_path": path, "template_fullpath": fullpath or os.path.abspath(path)}
    if dest_path is not None:
        made["template_destpath"] = dest_path
    return made


def __getattr__(name):
    if name == "Templar":
        from _trueup.templar import Templar

        return Templar
    raise AttributeError(name)
