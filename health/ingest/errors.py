"""What can be wrong with a request or with one event."""


class Refused(Exception):
    """Nothing of the request was taken, and why, as the status and words of the answer."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


class BadBody(Refused):
    """The body as a whole cannot be read."""


class Rejected(ValueError):
    """This event cannot be taken; it goes to quarantine with `code` and `message`."""

    message_id = ""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
