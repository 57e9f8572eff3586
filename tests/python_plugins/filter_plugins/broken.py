"""A file that cannot be loaded, which others must not suffer from."""

def unclosed(value:
