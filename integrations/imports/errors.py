"""What can be wrong with a mapping, a file or one of its rows."""


class ImportFailed(Exception):
    """The import cannot go on. The message names what is wrong and how to mend it."""


class MappingError(ImportFailed):
    """The mapping file is not one. `path` says where in it, like `sections.orders.events.at`."""

    def __init__(self, message: str, path: str = "") -> None:
        super().__init__(f"{path}: {message}" if path else message)
        self.path = path


class BadValue(ValueError):
    """One value of one row cannot be taken. `code` is for machines, `column` is the file's."""

    def __init__(self, code: str, message: str, column: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.column = column
