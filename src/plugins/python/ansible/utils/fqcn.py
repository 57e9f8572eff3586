"""Full names of what is Ansible's own."""


def add_internal_fqcns(names):
    made = []
    for name in names:
        made.append(name)
        if "." not in name:
            made.extend(prefix + name for prefix in ("ansible.builtin.", "ansible.legacy."))
    return made
