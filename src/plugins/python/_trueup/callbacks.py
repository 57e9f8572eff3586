"""Callback plugins: which of them take part, and events as they are told."""

import os
import sys

SKIPPED = object()


class Verbs:
    def __init__(self, worker):
        self._worker = worker
        self._screen = None
        self._told = None
        self._plugins = []

    def load(self, frame):
        """Makes the plugins. The one of the screen must be there; of others it is said why not."""
        from _trueup import screen, told

        self._screen = screen.Screen(self._worker, frame)
        self._told = told.Told(self._worker, frame)
        with self._screen:
            chosen = frame.get("stdout")
            if chosen:
                plugin = self._class_of(chosen)()
                plugin.set_options()
                self._plugins.append(plugin)
            for one in frame["beside"]:
                plugin = self._beside(one, frame["enabled"])
                if plugin is not SKIPPED:
                    self._plugins.append(plugin)
        return len(self._plugins)

    def _class_of(self, said):
        from _trueup.lookups import adopt

        path, dotted = said["path"], said.get("module")
        module = self._worker.places.load(path, "callback", dotted)
        made = module.CallbackModule
        adopt(made, module, "callback", said["name"], path, dotted)
        return made

    def _beside(self, said, enabled):
        from ansible.utils.display import Display

        display = Display()
        try:
            kind = self._class_of(said)
        except (KeyboardInterrupt, GeneratorExit):
            raise
        except BaseException as error:
            if isinstance(error, AttributeError) and "CallbackModule" in str(error):
                return SKIPPED
            display.warning(
                "Skipping plugin (%s), cannot load: %s" % (said["path"], error)
            )
            return SKIPPED
        if getattr(kind, "CALLBACK_TYPE", "") == "stdout":
            display.vv("Skipping callback '%s', as we already have a stdout callback." % said["name"])
            return SKIPPED
        asks = getattr(
            kind, "CALLBACK_NEEDS_ENABLED", getattr(kind, "CALLBACK_NEEDS_WHITELIST", False)
        )
        if asks and not said.get("named") and said["name"] not in enabled:
            return SKIPPED
        try:
            plugin = kind()
            if not plugin:
                display.warning(
                    "Skipping callback '%s', as it does not create a valid plugin instance."
                    % said["name"]
                )
                return SKIPPED
            plugin.set_options()
        except Exception as error:
            display.warning(
                "Skipping callback '%s', unable to load due to: %s" % (said["name"], error)
            )
            return SKIPPED
        return plugin

    def tell(self, frame):
        """Tells every plugin of an event: by the method of that name, then by `v2_on_any`."""
        with self._screen:
            found = self._told.event(frame["on"], frame)
            if found is None:
                return
            name, arguments, named = found
            for plugin in self._plugins:
                self._tell(plugin, name, arguments, named)

    def _tell(self, plugin, name, arguments, named):
        if getattr(plugin, "disabled", False):
            return
        if name == "set_play_context":
            method = getattr(plugin, name, None)
            if method is not None:
                method(*arguments)
            return
        hidden = any(getattr(one, "implicit", False) for one in arguments if hasattr(one, "_uuid"))
        if hidden and not getattr(plugin, "wants_implicit_tasks", False):
            if any(type(one).__name__ == "Task" for one in arguments):
                return
        arguments = [
            one.clean_copy() if hasattr(one, "clean_copy") else one for one in arguments
        ]
        for wanted in (name, "v2_on_any"):
            method = getattr(plugin, wanted, None)
            if method is None:
                method = getattr(plugin, wanted[len("v2_"):], None)
            if method is None:
                continue
            try:
                method(*arguments, **named)
            except Exception as error:
                self._failed(plugin, name, error)

    def _failed(self, plugin, name, error):
        import traceback

        from ansible.utils.display import Display

        display = Display()
        display.warning(
            "Failure using method (%s) in callback plugin (%s): %s" % (name, plugin, error)
        )
        trace = "".join(traceback.format_tb(error.__traceback__))
        display.vvv("Callback Exception: \n" + trace)

    def end(self, _frame):
        """The run has ended, and the interpreter is about to."""
        import atexit

        with self._screen:
            atexit._run_exitfuncs()
        sys.stderr.flush()


def name_of(path):
    return os.path.splitext(os.path.basename(path))[0]
