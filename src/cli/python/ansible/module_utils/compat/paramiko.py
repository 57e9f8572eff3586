"""Paramiko, where the host's Python has it; `paramiko` is None where it has not."""

PARAMIKO_IMPORT_ERR = None

try:
    import paramiko  # noqa: F401
except Exception as error:  # Libraries that it is built on fail in ways of their own.
    paramiko = None
    PARAMIKO_IMPORT_ERR = error
