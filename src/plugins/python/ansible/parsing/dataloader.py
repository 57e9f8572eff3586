"""Files of the controller."""

from _trueup.files import FileLoader


class DataLoader(FileLoader):
    pass
