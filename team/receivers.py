"""Sign-ins and changes of passwords and factors, into the security log."""

from typing import Any

from allauth.account.signals import password_changed, password_reset
from allauth.core.internal.httpkit import get_client_ip
from allauth.mfa.signals import (
    authentication_failed,
    authenticator_added,
    authenticator_removed,
    authenticator_reset,
)
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils import timezone

from team.models import User
from team.security import log_security


@receiver(user_logged_in)
def _signed_in(request: HttpRequest, user: User, **kwargs: Any) -> None:
    _log("signed_in", request, user)


@receiver(user_logged_out)
def _signed_out(request: HttpRequest, user: User | None, **kwargs: Any) -> None:
    if user is not None:
        _log("signed_out", request, user)


@receiver(user_login_failed)
def _failed(credentials: dict[str, Any], request: HttpRequest | None = None, **kwargs: Any) -> None:
    """Name the address only when it is a user's: some people type their password there."""
    given = str(credentials.get("email") or credentials.get("username") or "")
    log_security(
        kind="sign_in.failed",
        now=timezone.now(),
        subject=User.objects.filter(email__iexact=given).values_list("email", flat=True).first() or "somebody unknown",
        ip_address=_address(request),
    )


@receiver(password_changed)
def _password_changed(request: HttpRequest, user: User, **kwargs: Any) -> None:
    _log("password.changed", request, user)


@receiver(password_reset)
def _password_reset(request: HttpRequest, user: User, **kwargs: Any) -> None:
    _log("password.reset", request, user)


@receiver(authenticator_added)
def _factor_added(request: HttpRequest, user: User, authenticator: Any, **kwargs: Any) -> None:
    _log("factor.added", request, user, type=authenticator.type)


@receiver(authenticator_removed)
def _factor_removed(request: HttpRequest, user: User, authenticator: Any, **kwargs: Any) -> None:
    _log("factor.removed", request, user, type=authenticator.type)


@receiver(authenticator_reset)
def _factor_reset(request: HttpRequest, user: User, authenticator: Any, **kwargs: Any) -> None:
    _log("factor.reset", request, user, type=authenticator.type)


@receiver(authentication_failed)
def _factor_failed(request: HttpRequest, user: User, **kwargs: Any) -> None:
    _log("factor.failed", request, user)


def _log(kind: str, request: HttpRequest, user: User, **detail: object) -> None:
    log_security(
        kind=kind,
        now=timezone.now(),
        user=user,
        subject=user.email,
        ip_address=_address(request),
        detail=detail,
    )


def _address(request: HttpRequest | None) -> str | None:
    return get_client_ip(request) if request is not None else None
