"""A module that starts itself anew under another Python, which has what it needs."""

import os
import subprocess
import sys

import ansible
from ansible.module_utils.common.text.converters import to_bytes

# Tells the second run that it is one.
_MARK = "_respawned"

_PROGRAM = """
import runpy
import sys

for folder in reversed({folders!r}):
    sys.path.insert(0, folder)
sys.dont_write_bytecode = True

from ansible.module_utils import basic

basic._ANSIBLE_ARGS = {arguments!r}
basic._ANSIBLE_PROFILE = "legacy"
runpy.run_module(
    {module!r},
    init_globals=dict(_module_fqn={module!r}, _modlib_path={library!r}, {mark}=True),
    run_name="__main__",
    alter_sys=True,
)
"""


def has_respawned():
    """Whether this is a module's second run."""
    return hasattr(sys.modules["__main__"], _MARK)


def respawn_module(interpreter_path):
    """Runs the module anew under another Python and ends with its status.

    Raises Exception where this is the second run already.
    """
    if has_respawned():
        raise Exception("module has already been respawned")
    status = subprocess.call([interpreter_path, "--"], stdin=_input(_create_payload()))
    sys.exit(status)


def probe_interpreters_for_module(interpreter_paths, module_name):
    """The first of some Pythons that can import a module (or one of several), or None."""
    names = [module_name] if isinstance(module_name, str) else list(module_name)
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(_folders()))
    statement = "import %s" % ", ".join(names)
    for path in interpreter_paths:
        if not os.path.exists(path):
            continue
        try:
            status = subprocess.call(
                [path, "-c", statement],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=environment,
            )
        except OSError:
            continue
        if status == 0:
            return path
    return None


def _folders():
    """Where this package is, in the order in which it is looked for."""
    parents = [os.path.dirname(os.path.abspath(folder)) for folder in ansible.__path__]
    return list(dict.fromkeys(parents))


def _create_payload():
    from ansible.module_utils import basic

    main = sys.modules["__main__"]
    arguments = getattr(basic, "_ANSIBLE_ARGS")
    if not arguments:
        raise Exception("unable to access ansible.module_utils.basic._ANSIBLE_ARGS (not launched"
                        " by AnsiballZ?)")
    return _PROGRAM.format(
        folders=_folders(),
        arguments=arguments,
        module=main._module_fqn,
        library=main._modlib_path,
        mark=_MARK,
    )


def _input(text):
    """A pipe's end from which a text can be read."""
    reader, writer = os.pipe()
    # The pipe may hold less than the text: a process of its own writes it.
    if os.fork() == 0:
        try:
            os.close(reader)
            with os.fdopen(writer, "wb") as stream:
                stream.write(to_bytes(text))
        finally:
            os._exit(0)
    os.close(writer)
    return reader
