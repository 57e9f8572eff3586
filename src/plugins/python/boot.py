"""Where the interpreter starts: it takes the channel from its standard input and imports the rest.

Frames are a length of four bytes, most significant first, and JSON. What is not installed is asked
for over the channel, so that no file is written. What plugins print goes to standard error.
"""

import importlib.abc
import importlib.machinery
import json
import os
import struct
import sys
import threading


class Channel:
    """Frames to and from the controller: it calls, and while a call is under way it is asked."""

    def __init__(self, descriptor):
        self._descriptor = descriptor
        self._lock = threading.RLock()
        # That which serves; the others would wait for it without an end.
        self._thread = threading.get_ident()
        self.perform = None

    def _read_exactly(self, count):
        parts = []
        while count:
            part = os.read(self._descriptor, min(count, 1 << 20))
            if not part:
                os._exit(0)
            parts.append(part)
            count -= len(part)
        return b"".join(parts)

    def read(self):
        (count,) = struct.unpack(">I", self._read_exactly(4))
        return json.loads(self._read_exactly(count))

    def write(self, frame):
        # Characters that stand for bytes of no text (surrogates) have no place in JSON.
        body = json.dumps(frame, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace")
        view = memoryview(struct.pack(">I", len(body)) + body)
        while view:
            view = view[os.write(self._descriptor, view):]

    def ask(self, what, **said):
        """Asks the controller; answers may need calls of their own before."""
        if threading.get_ident() != self._thread:
            raise RuntimeError("a thread of a plugin's own cannot ask for %s" % what)
        said["ask"] = what
        with self._lock:
            self.write(said)
            return self._serve()

    def _serve(self):
        while True:
            frame = self.read()
            if "do" in frame:
                self.write(self.perform(frame))
            else:
                return frame

    def serve(self):
        with self._lock:
            while True:
                self._serve()


class Library(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports what the controller brings: the last place that is looked into."""

    ROOTS = ("_trueup", "ansible", "jinja2", "markupsafe", "yaml")

    def __init__(self, channel):
        self._channel = channel
        self._texts = {}

    def find_spec(self, fullname, path=None, target=None):
        root = fullname.partition(".")[0]
        if root not in self.ROOTS:
            return None
        # A package that is installed is taken whole.
        if root != fullname and getattr(sys.modules.get(root), "__loader__", None) is not self:
            return None
        found = self._channel.ask("source", name=fullname.replace(".", "/"))
        if "text" not in found:
            return None
        self._texts[fullname] = found["text"]
        return importlib.machinery.ModuleSpec(
            fullname, self, origin="trueup/" + found["path"], is_package=found["package"]
        )

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        origin = module.__spec__.origin
        module.__file__ = origin
        exec(compile(self._texts[module.__name__], origin, "exec"), module.__dict__)

    def get_source(self, fullname):
        return self._texts.get(fullname)


def start():
    descriptor = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    sys.stdin = open(0, encoding="utf-8", closefd=False)
    sys.argv = ["ansible-playbook"]
    sys.path[:] = [path for path in sys.path if path]
    channel = Channel(descriptor)
    sys.meta_path.append(Library(channel))
    # The first call comes before what performs it can be asked for.
    hello = channel.read()
    from _trueup import work

    channel.perform = work.performer(channel)
    channel.write(channel.perform(hello))
    channel.serve()


start()
