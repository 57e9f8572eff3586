"""Caches of facts: by host, between runs."""


class Verbs:
    def __init__(self, worker):
        self._worker = worker
        self._made = {}

    def _cache(self, frame):
        path = frame["path"]
        if path not in self._made:
            from _trueup.lookups import adopt

            module = self._worker.places.load(path, "cache", frame.get("module"))
            kind = module.CacheModule
            adopt(kind, module, "cache", frame["name"], path, frame.get("module"))
            self._made[path] = kind()
        return self._made[path]

    def start(self, frame):
        """Makes the cache, which says what it lacks."""
        self._cache(frame)

    def read(self, frame):
        """The facts of a host; nothing where there are none that count."""
        cache, host = self._cache(frame), frame["host"]
        if not cache.contains(host):
            return None
        try:
            return self._worker.wire.encode(cache.get(host))
        except KeyError:
            return None

    def write(self, frame):
        self._cache(frame).set(frame["host"], self._worker.wire.decode(frame["facts"]))

    def remove(self, frame):
        cache, host = self._cache(frame), frame["host"]
        if cache.contains(host):
            cache.delete(host)
