"""Names that some version of Python lacks."""
