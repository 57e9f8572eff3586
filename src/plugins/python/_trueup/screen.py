"""What callback plugins show: through the controller, which shows other things too."""

import sys
import threading

COLOURS = {
    "black": "0;30",
    "bright gray": "0;37",
    "blue": "0;34",
    "white": "1;37",
    "green": "0;32",
    "bright blue": "1;34",
    "cyan": "0;36",
    "bright green": "1;32",
    "red": "0;31",
    "bright cyan": "1;36",
    "purple": "0;35",
    "bright red": "1;31",
    "yellow": "0;33",
    "bright purple": "1;35",
    "dark gray": "1;30",
    "bright yellow": "1;33",
    "magenta": "0;35",
    "bright magenta": "1;35",
    "normal": "0",
}


def painted(text, colour):
    """A text in a colour, each line on its own."""
    import re

    code = COLOURS.get(colour)
    if code is None:
        found = re.fullmatch(r"color([0-9]+)|rgb([0-5])([0-5])([0-5])|gray([0-9]+)", colour)
        if found is None:
            code = "0"
        elif found.group(1):
            code = "38;5;%d" % int(found.group(1))
        elif found.group(2):
            red, green, blue = (int(found.group(at)) for at in (2, 3, 4))
            code = "38;5;%d" % (16 + 36 * red + 6 * green + blue)
        else:
            code = "38;5;%d" % (232 + int(found.group(5)))
    return "\n".join("\033[%sm%s\033[0m" % (code, line) for line in text.split("\n"))


class Screen:
    """While a callback is at work, what is displayed and printed goes to the controller."""

    def __init__(self, worker, frame):
        from ansible import constants
        from ansible.utils import color
        from ansible.utils.display import Display

        self._channel = worker.channel
        self._thread = threading.get_ident()
        self._before = []
        self._out = _Stream(self)
        worker.places.verbosity = frame["verbosity"]
        color.ANSIBLE_COLOR = frame["colour"]
        # Threads of plugins show warnings too, and cannot ask for settings.
        for name in ("COLOR_WARN", "COLOR_ERROR", "COLOR_DEPRECATE", "COLOR_VERBOSE"):
            getattr(constants, name)
        screen = self

        def display(
            self, msg, color=None, stderr=False, screen_only=False, log_only=False, newline=True, caplevel=None
        ):
            from ansible.module_utils.common.text.converters import to_text

            text = to_text(msg)
            # A newline that is there already is the one that would be put there.
            ends = newline or text.endswith("\n")
            text = text[:-1] if text.endswith("\n") else text
            if color and frame["colour"]:
                text = painted(text, color)
            screen.show(
                text + ("\n" if ends else ""), stderr=stderr, log_only=log_only, screen_only=screen_only
            )

        Display.display = display
        made = Display()
        if isinstance(getattr(made, "__dict__", {}).get("verbosity", 0), int):
            try:
                made.verbosity = frame["verbosity"]
            except AttributeError:
                pass
        made.columns = frame["columns"]

    def show(self, text, stderr=False, log_only=False, screen_only=False):
        if not self._before or threading.get_ident() != self._thread:
            sys.__stderr__.write(text)
            sys.__stderr__.flush()
            return
        self._channel.ask(
            "display", text=text, stderr=bool(stderr), log_only=bool(log_only), screen_only=bool(screen_only)
        )

    def __enter__(self):
        self._before.append(sys.stdout)
        sys.stdout = self._out

    def __exit__(self, *_error):
        self._out.flush()
        sys.stdout = self._before.pop()


class _Stream:
    """Standard output as plugins print to it: whole lines travel."""

    encoding = "utf-8"
    errors = "strict"

    def __init__(self, screen):
        self._screen = screen
        self._part = ""

    def write(self, text):
        self._part += text
        lines, newline, rest = self._part.rpartition("\n")
        if newline:
            self._part = rest
            self._screen.show(lines + newline)
        return len(text)

    def writelines(self, lines):
        for line in lines:
            self.write(line)

    def flush(self):
        part, self._part = self._part, ""
        if part:
            self._screen.show(part)

    def isatty(self):
        return False

    def fileno(self):
        return 1

    def writable(self):
        return True

    @property
    def buffer(self):
        return _Bytes(self)


class _Bytes:
    def __init__(self, stream):
        self._stream = stream

    def write(self, content):
        self._stream.write(bytes(content).decode("utf-8", "replace"))
        return len(content)

    def flush(self):
        self._stream.flush()
