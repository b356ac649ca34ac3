"""What somebody may do, by access level. Read-only is 403; what one may not see is 404 (accounts)."""

from django.core.exceptions import PermissionDenied

from team.models import User


def check_can_contribute(user: User) -> None:
    """Raise PermissionDenied for viewers."""
    if not user.can_contribute:
        msg = "Your access level is Viewer: you can read, not change. An admin can raise it."
        raise PermissionDenied(msg)


def check_can_configure(user: User) -> None:
    """Raise PermissionDenied for all but editors and admins."""
    if not user.can_configure:
        msg = "Only editors and admins may change the configuration. An admin can raise your access level."
        raise PermissionDenied(msg)


def check_is_admin(user: User) -> None:
    """Raise PermissionDenied for all but admins."""
    if not user.is_admin:
        msg = "Only admins may do this."
        raise PermissionDenied(msg)
