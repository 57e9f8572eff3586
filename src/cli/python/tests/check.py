#!/usr/bin/env python3
"""Evaluates the expressions of `cases/*.txt` and compares their values with those beneath them.

A line `> statement` prepares, a line at the margin is an expression, and the indented line below it
is its value as Python writes it, or `!Type: message` of what it raises. `--write` puts the values
into the files instead: run under a Python that has ansible-core, it records what that does.

In `runs/*.txt` a line `> statement` is part of a module (a blank line begins the next module), a
line `{...}` holds its arguments, and the indented line below is what it prints. `NAME=value` before
the arguments sets a variable of its environment. Of an exception its last line alone is shown, and
FOLDER stands for a folder that is empty at each start. What ends in `.root.txt` needs root.

The package that is tried is the one beside this folder, or under `--installed` the one that this
Python finds. `--only WORD` takes files with that word in their names.
"""

import argparse
import glob
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))


def value_of(expression, names):
    """What an expression gives, in one line."""
    try:
        value = eval(compile(expression, "<case>", "eval"), names)
        if isinstance(value, (set, frozenset)):
            value = sorted(value, key=repr)
        return repr(value)
    except SystemExit as exit:
        return "!SystemExit: %s" % exit
    except Exception as error:
        return ("!%s: %s" % (type(error).__name__, error)).replace("\n", "\\n").strip()


def walk(path):
    """Yields lines of a file with what they give: (line, expected or None, value or None)."""
    names = {}
    with open(path, encoding="utf-8") as stream:
        lines = stream.read().splitlines()
    at = 0
    while at < len(lines):
        line = lines[at]
        at += 1
        if line.startswith("> "):
            statement = line[2:] + "\n"
            yield line, None, None
            # Statements of several lines are indented behind the mark.
            while at < len(lines) and lines[at].startswith(">  "):
                statement += lines[at][2:] + "\n"
                yield lines[at], None, None
                at += 1
            exec(compile(statement, path, "exec"), names)
        elif not line.strip() or line.startswith("#"):
            yield line, None, None
        else:
            expected = ""
            if at < len(lines) and lines[at].startswith("    "):
                expected = lines[at].strip()
                at += 1
            yield line, expected, value_of(line, names)


PROLOGUE = """
import json, os, sys
from ansible.module_utils import basic
from ansible.module_utils.basic import *
from ansible.module_utils.basic import AnsibleModule, env_fallback
"""
EPILOGUE = "module.exit_json(params=module.params)\n"


def result_of(program, line, environment):
    """What a module prints that is called with a line's arguments, in one line."""
    folder = os.path.realpath(tempfile.mkdtemp(prefix="check-"))
    try:
        words, brace, text = line.partition("{")
        arguments = (brace + text).replace("FOLDER", folder)
        own = dict(word.split("=", 1) for word in words.split())
        path = os.path.join(folder, "module.py")
        with open(path, "w", encoding="utf-8") as stream:
            stream.write(PROLOGUE + program.replace("FOLDER", folder) + EPILOGUE)
        os.mkdir(os.path.join(folder, "here"))
        process = subprocess.Popen(
            [sys.executable, path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=dict(environment, **own),
            cwd=os.path.join(folder, "here"),
        )
        out, err = process.communicate(
            ('{"ANSIBLE_MODULE_ARGS": %s}' % arguments).encode("utf-8")
        )
        out, err = out.decode("utf-8", "replace"), err.decode("utf-8", "replace")
        try:
            result = json.loads(out)
        except ValueError:
            result = {"stdout": out, "stderr": err.strip().splitlines()[-1:]}
        if "exception" in result:
            result["exception"] = "there"
        result.pop("invocation", None)
        shown = json.dumps(result, sort_keys=True, ensure_ascii=False)
        shown = shown.replace(folder, "FOLDER").replace(sys.executable, "PYTHON")
        shown = re.sub(r"on [^ ]+'s Python", "on HOST's Python", shown)
        # Python 3.6 names a program that is not there twice.
        shown = re.sub(r"(b'[^']*'): \1", r"\1", shown)
        # Sets, which have no order.
        shown = re.sub(r"booleans include: [^\"]*", "booleans include: ...", shown)
        return "%d %s" % (process.returncode, shown)
    finally:
        shutil.rmtree(folder)


def walk_runs(path, environment):
    """Yields lines of a file as `walk` does."""
    with open(path, encoding="utf-8") as stream:
        lines = stream.read().splitlines()
    program, has_run = "", False
    at = 0
    while at < len(lines):
        line = lines[at]
        at += 1
        if line.startswith("> "):
            program += line[2:] + "\n"
            yield line, None, None
        elif not line.strip():
            program = ""
            yield line, None, None
        elif line.startswith("#"):
            yield line, None, None
        else:
            expected = ""
            if at < len(lines) and lines[at].startswith("    "):
                expected = lines[at].strip()
                at += 1
            yield line, expected, result_of(program, line, environment)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--installed", action="store_true")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    environment["PYTHONDONTWRITEBYTECODE"] = "1"
    environment["LC_ALL"] = "C.UTF-8"
    if not options.installed:
        sys.path.insert(0, os.path.dirname(HERE))
        environment["PYTHONPATH"] = os.path.dirname(HERE)
    wrong = count = 0
    walks = [(path, walk) for path in sorted(glob.glob(os.path.join(HERE, "cases", "*.txt")))]
    for path in sorted(glob.glob(os.path.join(HERE, "runs", "*.txt"))):
        walks.append((path, lambda path: walk_runs(path, environment)))
    for path, walked in walks:
        if options.only not in os.path.basename(path):
            continue
        if path.endswith(".root.txt") and os.geteuid() != 0:
            print("SKIPPED: %s changes owners, which root alone may" % os.path.basename(path))
            continue
        written = []
        for line, expected, value in walked(path):
            written.append(line)
            if value is None:
                continue
            count += 1
            written.append("    " + value)
            value = value.encode("utf-8", "backslashreplace").decode("utf-8")
            if value != expected and not options.write:
                wrong += 1
                print("%s: %s\n  expected %s\n  is       %s" % (
                    os.path.basename(path), line, expected, value
                ))
        if options.write:
            text = "\n".join(written) + "\n"
            content = text.encode("utf-8", "backslashreplace")
            with open(path, "wb") as stream:
                stream.write(content)
    print("%d cases, %d wrong" % (count, wrong))
    return 1 if wrong or not count else 0


if __name__ == "__main__":
    sys.exit(main())
