"""How API requests prove who they are: `Authorization: Bearer cs_live_…`, or a person's session."""

import hmac

from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from team.models import ApiKey
from team.services import hash_key, key_prefix, note_key_used

# Compared against when no key has the prefix, so that the answer takes as long.
NOBODYS_HASH = "0" * 64


class KeyUser:
    """Stands where a user would: a key sees every account and may do what its scopes say."""

    is_authenticated = True
    is_anonymous = False
    is_active = True
    pk = None

    def __init__(self, key: ApiKey) -> None:
        self.key = key

    def __str__(self) -> str:
        return f"API key {self.key.name}"


class ApiKeyAuthentication(BaseAuthentication):
    """Accepts `Bearer` and `Api-Key`. `request.auth` is the ApiKey."""

    def authenticate(self, request: Request) -> tuple[KeyUser, ApiKey] | None:
        scheme, _, text = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() not in {"bearer", "api-key"}:
            return None
        key = find_key(text.strip())
        if key is None:
            raise AuthenticationFailed("The API key is unknown, mistyped, expired or revoked.")
        return KeyUser(key), key

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="api"'


def find_key(text: str) -> ApiKey | None:
    """Return the live key that `text` is, and note its use; None for anything else."""
    now = timezone.now()
    prefix = key_prefix(text)
    row = ApiKey.objects.filter(prefix=prefix, revoked_at=None).first() if prefix else None
    is_right = hmac.compare_digest(row.secret_hash if row else NOBODYS_HASH, hash_key(text))
    if row is None or not is_right or (row.expires_at is not None and row.expires_at <= now):
        return None
    note_key_used(row, now=now)
    return row
