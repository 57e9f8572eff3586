"""Facts, one a file."""
