"""What can be wrong with input about people and keys, and how work can end."""


class InvalidTeamInput(ValueError):
    """A value cannot be taken. `field` names it where one is to blame."""

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field


class LeaseLost(RuntimeError):
    """Somebody else has the row now: nothing of ours may be written."""


class RetryLater(RuntimeError):
    """A handler met something temporary: try again after `seconds`, else after the usual pause."""

    def __init__(self, message: str, *, seconds: float | None = None) -> None:
        super().__init__(message)
        self.seconds = seconds


class GiveUp(RuntimeError):
    """A handler knows that trying again would not help."""
