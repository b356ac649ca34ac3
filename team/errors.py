"""What can be wrong with input about people and keys."""


class InvalidTeamInput(ValueError):
    """A value cannot be taken. `field` names it where one is to blame."""

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
