"""YAML, where the host's Python has PyYAML; `HAS_YAML` says so."""

HAS_YAML = False
HAS_LIBYAML = False

yaml_load = yaml_load_all = yaml_dump = yaml_dump_all = None
SafeLoader = SafeDumper = Parser = None

try:
    import yaml as _yaml
except ImportError:
    pass
else:
    from functools import partial as _partial

    HAS_YAML = True
    try:
        from yaml import CSafeDumper as SafeDumper
        from yaml import CSafeLoader as SafeLoader
        from yaml.cyaml import CParser as Parser  # noqa: F401

        HAS_LIBYAML = True
    except (ImportError, AttributeError):
        from yaml import SafeDumper, SafeLoader
        from yaml.parser import Parser  # noqa: F401

    yaml_load = _partial(_yaml.load, Loader=SafeLoader)
    yaml_load_all = _partial(_yaml.load_all, Loader=SafeLoader)
    yaml_dump = _partial(_yaml.dump, Dumper=SafeDumper)
    yaml_dump_all = _partial(_yaml.dump_all, Dumper=SafeDumper)
