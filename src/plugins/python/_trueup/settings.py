"""Settings of plugins, by name."""

from _trueup import options


class Verbs:
    def __init__(self, worker):
        self._worker = worker

    def find(self, frame):
        """The value of an option and where it is from; nothing where none is declared."""
        wire = self._worker.wire
        declared = options.declared(frame["path"], frame["kind"])
        if frame["option"] not in declared:
            return None
        variables = wire.decode({"~": "remote", "v": 0, "m": True, "t": "dict"})
        plugin = (frame["kind"], frame["plugin"])
        return wire.encode(list(options.resolved(declared, frame["option"], plugin, {}, variables)))
