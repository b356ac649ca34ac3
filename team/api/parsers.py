"""JSON bodies, read so that nothing in them can surprise the code behind."""

import json
import math
from typing import IO, Any

from django.conf import settings
from rest_framework.parsers import BaseParser

from team.api.fields import is_storable
from team.api.problems import InvalidRequest, Problem

MAX_DEPTH = 32


class StrictJsonParser(BaseParser):
    """Reads UTF-8 JSON up to API_MAX_BODY_BYTES, at most MAX_DEPTH deep.

    Refuses NaN and Infinity, numbers beyond a double, the same key twice, and text that cannot be
    stored, each with words and a pointer.
    """

    media_type = "application/json"

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Any = None,
    ) -> Any:
        limit = settings.API_MAX_BODY_BYTES
        raw = stream.read(limit + 1)
        if len(raw) > limit:
            raise Problem(413, "too_large", f"A body may have at most {limit:,} bytes. Send fewer rows at once.")
        try:
            value = json.loads(raw, parse_constant=_refuse_constant, object_pairs_hook=_without_doubles)
        except RecursionError:
            raise _refused("#", f"The body is nested more than {MAX_DEPTH} deep.") from None
        except UnicodeDecodeError:
            raise _refused("#", "The body is not UTF-8 text.") from None
        except ValueError as exc:
            raise _refused("#", f"The body is not JSON: {exc}.") from None
        _check(value, "#", 1)
        return value


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("an object names the same key twice")
    return value


def _check(value: object, pointer: str, depth: int) -> None:
    """Raise InvalidRequest for the first thing inside a value that cannot be used."""
    if isinstance(value, str) and not is_storable(value):
        raise _refused(pointer, "Text must not contain NUL or half of a surrogate pair.", "bad_characters")
    if isinstance(value, float) and not math.isfinite(value):
        raise _refused(pointer, "This number is too large.", "wrong_number")
    if isinstance(value, dict | list) and depth > MAX_DEPTH:
        raise _refused("#", f"The body is nested more than {MAX_DEPTH} deep.")
    if isinstance(value, dict):
        for key, inner in value.items():
            _check(key, pointer, depth)
            _check(inner, f"{pointer}/{key}", depth + 1)
    if isinstance(value, list):
        for index, inner in enumerate(value):
            _check(inner, f"{pointer}/{index}", depth + 1)


def _refused(pointer: str, message: str, code: str = "not_json") -> InvalidRequest:
    return InvalidRequest([{"pointer": pointer, "code": code, "message": message}])
