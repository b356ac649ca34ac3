"""What can be wrong with a condition."""

from accounts.errors import InvalidInput


class ConditionError(InvalidInput):
    """A condition cannot be used. `path` says where, like `all[1].value`; the message says how to mend it."""

    def __init__(self, message: str, path: str = "") -> None:
        super().__init__(f"{path}: {message}" if path else message, "condition")
        self.path = path
        self.reason = message


class UnknownField(ConditionError):
    """No such field, or the attribute or segment behind it was deleted."""


class WrongOperator(ConditionError):
    """The operator does not exist or does not fit the type of the field."""


class WrongValue(ConditionError):
    """The value does not fit the operator, or is none of the choices."""


class WrongShape(ConditionError):
    """The tree itself is malformed."""


class TooLarge(ConditionError):
    """The tree is too deep or has too many parts."""
