"""What the controller asks of this side."""

import sys
import traceback

import _trueup
from _trueup import wire as wires


def performer(channel):
    """The function that performs calls, and tells what came of them."""
    worker = Worker(channel)
    _trueup._WORKER.append(worker)
    return worker.perform


class Worker:
    def __init__(self, channel):
        self.channel = channel
        self.wire = wires.Wire(channel)
        self._verbs = {"hello": self._hello, "release": self._release}
        self._places = None

    def perform(self, frame):
        try:
            wires.release(frame.get("free", ()))
            verb = self._verbs.get(frame["do"])
            if verb is None:
                verb = self._verbs[frame["do"]] = self._find(frame["do"])
            return {"ok": verb(frame)}
        except (KeyboardInterrupt, GeneratorExit):
            raise
        except BaseException as error:  # a plugin may raise or exit as it likes
            return {"err": described(error)}

    def _find(self, name):
        """Verbs stand in modules by family, which are imported when they are first needed."""
        family, _, verb = name.partition(".")
        module = __import__("_trueup." + family, fromlist=["Verbs"])
        verbs = module.Verbs(self)
        for attribute in dir(verbs):
            if not attribute.startswith("_"):
                self._verbs.setdefault(family + "." + attribute, getattr(verbs, attribute))
        return self._verbs[name]

    def _hello(self, frame):
        from _trueup import places

        self._places = places.Places(self, frame)
        return {"version": "%d.%d" % sys.version_info[:2]}

    def _release(self, frame):
        return None

    @property
    def places(self):
        return self._places

    def ask(self, what, **said):
        answer = self.channel.ask(what, **said)
        wires.check(answer)
        return answer.get("value")

    def ask_value(self, what, **said):
        return self.wire.decode(self.ask(what, **said))


def described(error):
    """An exception as the controller tells of it."""
    names = [cls.__name__ for cls in type(error).__mro__]
    message = getattr(error, "message", None)
    if not isinstance(message, str) or "AnsibleError" not in names:
        try:
            message = str(error)
        except Exception:
            message = type(error).__name__
    if isinstance(error, SyntaxError):
        message = "%s (%s, line %s)" % (error.msg, error.filename, error.lineno)
    frames = traceback.extract_tb(error.__traceback__)
    own = [f for f in frames if not f.filename.startswith(("trueup/", "<string>"))]
    said = {"type": names[0], "bases": names, "message": message}
    if own:
        said["at"] = "%s:%s" % (own[-1].filename, own[-1].lineno)
    return said
