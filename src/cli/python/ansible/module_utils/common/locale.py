"""Locales whose output can be parsed."""


def get_best_parsable_locale(module, preferences=None, raise_on_locale=False):
    """The first of the preferred locales that this machine has; `C` where it has none.

    Without preferences: C.utf8, C.UTF-8, en_US.utf8, en_US.UTF-8, C, POSIX. Problems with the
    program `locale` give `C`, or RuntimeWarning where they are to be raised.
    """
    if preferences is None:
        preferences = ["C.utf8", "C.UTF-8", "en_US.utf8", "en_US.UTF-8", "C", "POSIX"]
    try:
        program = module.get_bin_path("locale")
        if not program:
            raise RuntimeWarning("Could not find 'locale' tool")
        status, output, complaint = module.run_command([program, "-a"])
        if status != 0:
            raise RuntimeWarning(
                "Unable to get locale information, rc=%s: %s" % (status, complaint or "")
            )
        if not output:
            raise RuntimeWarning("No output from locale, rc=%s: %s" % (status, complaint or ""))
        known = output.strip().splitlines()
    except RuntimeWarning:
        if raise_on_locale:
            raise
        return "C"
    return next((wanted for wanted in preferences if wanted in known), "C")
