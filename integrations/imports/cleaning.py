"""Clean-up of a column before anything reads it. Every value is stripped of outer blanks first. Pure."""

import re
from collections.abc import Callable

Cleaner = Callable[[str], str]

WHOLE_AS_FLOAT = re.compile(r"(\d+)\.0+")


def drop_decimals(text: str) -> str:
    """`17850.0`, a number's way through a spreadsheet, becomes `17850`."""
    match = WHOLE_AS_FLOAT.fullmatch(text)
    return match[1] if match else text


def digits(text: str) -> str:
    return "".join(char for char in text if char.isdigit())


def drop_leading_zeros(text: str) -> str:
    return text.lstrip("0") or text[:1]


CLEANERS: dict[str, Cleaner] = {
    "drop_decimals": drop_decimals,
    "drop_leading_zeros": drop_leading_zeros,
    "digits": digits,
    "lower": str.lower,
    "upper": str.upper,
}
