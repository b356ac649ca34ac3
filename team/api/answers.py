"""`Idempotency-Key`: a request sent twice with the same key takes effect once and is answered the same."""

import hashlib
import json
import re
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.db import transaction
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from team.api.callers import caller_of
from team.api.problems import Problem
from team.idempotency import claim_digest, find_answer, keep_answer, request_digest
from team.models import KeptAnswer

HEADER = "Idempotency-Key"
KEPT_HEADERS = ("Location", "ETag")
# A structured-field string in quotes, as the draft says, or bare, as most clients send it.
KEY = re.compile(r'"([\x20\x21\x23-\x5b\x5d-\x7e]{1,255})"|([\x21\x23-\x7e]{1,255})')


def idempotent(write: Callable[..., Response]) -> Callable[..., HttpResponseBase]:
    """Make a view's write one transaction, and remember its answer in it when the client sent a key.

    Refused requests raise, which undoes the transaction: they leave nothing to remember.
    """

    @wraps(write)
    def wrapper(view: Any, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        key = _read_key(request)
        with transaction.atomic():
            if key is None:
                return write(view, request, *args, **kwargs)
            return _answer_once(key, request, lambda: write(view, request, *args, **kwargs))

    return wrapper


def _answer_once(key: str, request: Request, write: Callable[[], Response]) -> HttpResponseBase:
    now = timezone.now()
    digest = request_digest(caller=caller_of(request).name, method=str(request.method), path=request.path, key=key)
    if not claim_digest(digest):
        raise Problem(
            409,
            "in_progress",
            "A request with this Idempotency-Key is being answered right now. Retry in a moment.",
            headers={"Retry-After": "1"},
        )
    body_hash = _hash_of(request)
    answer = find_answer(digest, now=now)
    if answer is not None and answer.body_hash != body_hash:
        raise Problem(
            422, "key_reused", "This Idempotency-Key was used for a different request. Use a new key for a new request."
        )
    if answer is not None:
        return _replayed(answer)
    response = write()
    keep_answer(
        digest=digest,
        body_hash=body_hash,
        status=response.status_code,
        headers={name: response[name] for name in KEPT_HEADERS if name in response},
        body=b"" if response.data is None else JSONRenderer().render(response.data),
        now=now,
    )
    return response


def _read_key(request: Request) -> str | None:
    sent = request.headers.get(HEADER)
    if sent is None:
        return None
    match = KEY.fullmatch(sent.strip())
    if match is None:
        raise Problem(400, "wrong_key", f"{HEADER} must be 1 to 255 printable ASCII characters, best a random UUID.")
    return match[1] or match[2]


def _hash_of(request: Request) -> str:
    sent = json.dumps([request.data, sorted(request.query_params.items())], sort_keys=True)
    return hashlib.sha256(sent.encode()).hexdigest()


def _replayed(answer: KeptAnswer) -> HttpResponse:
    return HttpResponse(
        bytes(answer.body),
        status=answer.status,
        content_type="application/json",
        headers={**answer.headers, "Idempotency-Replayed": "true"},
    )
