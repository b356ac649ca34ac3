"""Who calls: another system with a key and its scopes, or a person with their own rights."""

from dataclasses import dataclass
from typing import Any

from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from team.api.problems import Problem
from team.models import ApiKey, User
from team.permissions import check_can_contribute


@dataclass(frozen=True)
class Caller:
    """Exactly one of the two is set."""

    user: User | None
    key: ApiKey | None

    @property
    def name(self) -> str:
        return f"user:{self.user.pk}" if self.user else f"key:{self.key.pk if self.key else ''}"


def caller_of(request: Request) -> Caller:
    """Return who a request, already authenticated, comes from."""
    key = request.auth if isinstance(request.auth, ApiKey) else None
    user = request.user if isinstance(request.user, User) else None
    return Caller(user=user, key=key)


class MayUse(BasePermission):
    """Asks a key for the scope `view.scope` names (None: any key may), a person for their access level."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if not request.user.is_authenticated:
            return False
        if request.method not in view.allowed_methods:
            return True  # the answer is 405, whoever asks
        caller = caller_of(request)
        is_write = request.method not in SAFE_METHODS
        if caller.user is not None:
            if is_write:
                check_can_contribute(caller.user)
            return True
        scope = (view.write_scope or view.scope) if is_write else view.scope
        needed = f"{scope}:{'write' if is_write else 'read'}"
        if view.scope is not None and caller.key is not None and needed not in caller.key.scopes:
            raise Problem(403, "scope_missing", f"This API key lacks the scope {needed}.")
        return True
