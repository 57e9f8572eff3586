"""Results without what is Ansible's own."""


def module_response_deepcopy(value):
    if isinstance(value, dict):
        return {key: module_response_deepcopy(item) for key, item in value.items()}
    if isinstance(value, list):
        return [module_response_deepcopy(item) for item in value]
    return value


def strip_internal_keys(dirty, exceptions=()):
    """Takes keys away that begin with `_ansible_`, at all depths, in place."""
    if isinstance(dirty, list):
        for item in dirty:
            if isinstance(item, (dict, list)):
                strip_internal_keys(item, exceptions)
    elif isinstance(dirty, dict):
        for key in list(dirty):
            if isinstance(key, str) and key.startswith("_ansible_") and key not in exceptions:
                del dirty[key]
            elif isinstance(dirty[key], (dict, list)):
                strip_internal_keys(dirty[key], exceptions)
    else:
        from ansible.errors import AnsibleError

        raise AnsibleError("Cannot strip invalid keys from %s" % type(dirty))
    return dirty


def remove_internal_keys(data):
    """Takes away from a result what callers of modules do not want to see."""
    for key in list(data):
        if key.startswith("_ansible_") and key != "_ansible_parsed":
            del data[key]
    for key in ("warnings", "deprecations"):
        if key in data and not data[key]:
            del data[key]
    facts = data.get("ansible_facts")
    if isinstance(facts, dict):
        for key in list(facts):
            if key.startswith("discovered_interpreter_") or key.startswith("ansible_discovered_interpreter_"):
                del facts[key]
