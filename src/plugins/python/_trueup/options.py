"""Options of plugins, as their documentation declares them."""

import ast
import os
import re

from _trueup import work_now

_DOCUMENTED = {}


def documentation_of(path):
    """The text `DOCUMENTATION` of a file, without running it; of a file of its own beside it."""
    for ending in (".yml", ".yaml"):
        beside = os.path.splitext(path)[0] + ending
        if os.path.isfile(beside):
            with open(beside, encoding="utf-8") as stream:
                return stream.read()
    try:
        with open(path, encoding="utf-8") as stream:
            tree = ast.parse(stream.read())
    except (OSError, SyntaxError, ValueError):
        return None
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
            if any(getattr(target, "id", None) == "DOCUMENTATION" for target in node.targets):
                return node.value.value
    return None


def declared(path, kind):
    """The options that a file declares, with those of the fragments that it names."""
    if path not in _DOCUMENTED:
        _DOCUMENTED[path] = _declared(path, kind)
    return _DOCUMENTED[path]


def _declared(path, kind):
    text = documentation_of(path)
    if not text:
        return {}
    said = work_now().ask_value("yaml", text=text) or {}
    said = said.get("DOCUMENTATION", said)
    options = dict(said.get("options") or {})
    names = said.get("extends_documentation_fragment") or []
    for name in [names] if isinstance(names, str) else names:
        for known, option in _fragment(name, path).items():
            options.setdefault(known, option)
    return options


def _fragment(name, path):
    from ansible.errors import AnsibleError

    name, _, variant = name.strip().partition(".") if name.count(".") < 2 else _split(name)
    variable = (variant or "DOCUMENTATION").upper()
    text = None
    if name.count(".") == 2:
        namespace, collection, short = name.split(".")
        if (namespace, collection) == ("ansible", "builtin"):
            name = short
        else:
            dotted = "ansible_collections.%s.%s.plugins.doc_fragments.%s" % (namespace, collection, short)
            module = __import__(dotted, fromlist=["ModuleDocFragment"])
            text = getattr(module.ModuleDocFragment, variable, None)
    if text is None:
        text = _fragment_of_file(name, variable, path)
    if text is None:
        from _trueup import fragments

        text = getattr(fragments, name.lower(), None)
    if text is None:
        raise AnsibleError("unknown doc_fragment(s) in file %s: %s" % (path, name))
    return (work_now().ask_value("yaml", text=text) or {}).get("options") or {}


def _split(name):
    parts = name.split(".")
    return ".".join(parts[:3]), "", ".".join(parts[3:])


def _fragment_of_file(name, variable, path):
    """A fragment in `doc_fragments` beside the folder of the plugin."""
    import importlib.util

    for folder in ("doc_fragments", "plugins/doc_fragments"):
        file = os.path.join(os.path.dirname(os.path.dirname(path)), folder, name + ".py")
        if os.path.isfile(file):
            spec = importlib.util.spec_from_file_location("ansible.plugins.doc_fragments." + name, file)
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
            return getattr(module.ModuleDocFragment, variable, None)
    return None


def resolved(options, name, plugin, direct, variables, templar=None, keywords=None):
    """The value of an option, and where it is from."""
    from ansible.errors import AnsibleOptionsError, AnsibleRequiredOptionError

    option = options[name] or {}
    value, origin, kind = None, "default", None
    names = [name] + list(option.get("aliases") or [])
    given = [key for key in names if key in direct]
    if given:
        value, origin = direct[given[0]], "Direct"
    else:
        for what, find in (("vars", _of_vars), ("keyword", _of_keywords), ("env", _of_env), ("ini", _of_ini)):
            said_by = find(option.get(what) or [], variables if what != "keyword" else (keywords or {}, names))
            if said_by is not None:
                value, origin = said_by
                kind = what
                break
        else:
            value = option.get("default")
    if value is None:
        is_terms = (plugin[0], name) == ("lookup", "_terms")
        if option.get("required") and not given and not is_terms:
            raise AnsibleRequiredOptionError(
                "No setting was provided for required configuration %s" % described(plugin, name)
            )
        return value, origin
    if isinstance(value, str) and "{{" in value and origin == "default":
        value = re.sub(r"\{\{\s*ANSIBLE_HOME\s*\}\}", _home(), value)
    try:
        value = typed(value, option.get("type"), kind)
    except (ValueError, TypeError) as error:
        raise AnsibleOptionsError(
            'Invalid type for configuration option %s (from %s): %s' % (described(plugin, name), origin, error)
        )
    _check_choice(option, value, plugin, name)
    return value, origin


def described(plugin, name):
    kind, short = plugin
    return "plugin_type: %s plugin: %s setting: %s " % (kind, short, name)


def _check_choice(option, value, plugin, name):
    from ansible.errors import AnsibleOptionsError

    choices = option.get("choices")
    if not choices:
        return
    values = value if option.get("type") == "list" else [value]
    allowed = [str(choice) for choice in choices]
    if not all(str(one) in allowed for one in values or []):
        raise AnsibleOptionsError(
            'Invalid value "%s" for configuration option "%s", valid values are: %s'
            % (value, described(plugin, name), ", ".join(allowed))
        )


def _home():
    return os.path.expanduser(os.environ.get("ANSIBLE_HOME", "~/.ansible"))


def _of_keywords(entries, said):
    """What a keyword of that name says, or one that the option names."""
    keywords, names = said
    named = [entry.get("name") if isinstance(entry, dict) else entry for entry in entries]
    for name in named + names:
        if keywords.get(name) is not None:
            return keywords[name], "keyword: %s" % name
    return None


def _of_vars(entries, variables):
    found = None
    for entry in entries:
        name = entry.get("name") if isinstance(entry, dict) else entry
        if variables is not None and name in variables:
            value = variables[name]
            if isinstance(value, str) and ("{{" in value or "{%" in value):
                value = work_now().ask_value("template", value=work_now().wire.encode(value))
            found = None if value is None else (value, "var: %s" % name)
    return found


def _of_env(entries, _variables):
    found = None
    for entry in entries:
        name = entry.get("name") if isinstance(entry, dict) else entry
        if name in os.environ:
            found = os.environ[name], "env: %s" % name
    return found


_INI = []


def _of_ini(entries, _variables):
    if not entries:
        return None
    if not _INI:
        _INI.append(_configuration())
    found = None
    for entry in entries:
        section, key = entry.get("section", "defaults"), entry.get("key")
        if _INI[0].has_option(section, key):
            found = _INI[0].get(section, key, raw=True), work_now().places.configuration
    return found


def _configuration():
    import configparser

    read = configparser.RawConfigParser(inline_comment_prefixes=(";",), strict=False)
    path = work_now().places.configuration
    if path:
        read.read(path, encoding="utf-8")
    return read


def _unquoted(text):
    is_quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "\"'" and text[-2] != "\\"
    return text[1:-1] if is_quoted else text


def typed(value, kind, said_in=None):
    """A value as the type that an option declares; `said_in` is what it was said in."""
    from ansible.module_utils.parsing.convert_bool import boolean

    text = str(value) if isinstance(value, str) else None
    if kind in ("bool", "boolean"):
        return boolean(value, strict=False)
    if kind in ("int", "integer"):
        if isinstance(value, bool) or isinstance(value, int):
            return value
        number = float(value)
        if number != int(number):
            raise ValueError("%r is not an integer" % (value,))
        return int(number)
    if kind == "float":
        return float(value)
    if kind == "list":
        if text is not None:
            return [_unquoted(part.strip()) for part in text.split(",")]
        if isinstance(value, (list, tuple, set)):
            return list(value)
        raise ValueError("Invalid type provided for \"list\": %r" % (value,))
    if kind in ("dict", "dictionary"):
        if not isinstance(value, dict):
            raise ValueError("Invalid type provided for \"dict\": %r" % (value,))
        return value
    if kind in ("path", "tmp", "tmppath", "temppath"):
        return os.path.abspath(os.path.expandvars(os.path.expanduser(text)))
    if kind in ("pathspec", "pathlist"):
        if text is not None:
            value = text.split(os.pathsep if kind == "pathspec" else ",")
        return [os.path.abspath(os.path.expandvars(os.path.expanduser(part.strip()))) for part in value]
    if kind in ("str", "string") and not isinstance(value, str):
        if isinstance(value, (bool, int, float, complex)):
            return str(value)
        raise ValueError("Invalid type provided for \"string\": %r" % (value,))
    if said_in == "ini" and text is not None and kind in (None, "str", "string"):
        return _unquoted(text)
    return value
