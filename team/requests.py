"""The request of somebody who has signed in."""

from django.http import HttpRequest

from team.models import User


class UserRequest(HttpRequest):
    """A request whose user is known; the sign-in middleware sees to it."""

    user: User
