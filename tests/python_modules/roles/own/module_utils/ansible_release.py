__version__ = "of the role"
