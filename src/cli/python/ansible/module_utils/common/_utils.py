"""Classes and those that inherit from them."""


def get_all_subclasses(cls):
    """All classes that inherit from a class, however far down, as a set."""
    found = set()
    waiting = [cls]
    while waiting:
        for below in waiting.pop().__subclasses__():
            if below not in found:
                found.add(below)
                waiting.append(below)
    return found
