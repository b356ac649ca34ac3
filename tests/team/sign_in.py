"""Signing in as people do, through the real pages."""

import base64
import hmac
import re
import time

from django.test import TestCase
from django.urls import reverse

from tests.factories import PASSWORD


def sign_in(client, user, password=PASSWORD):
    return client.post(reverse("account_login"), {"login": user.email, "password": password})


def code_for(secret, steps_ahead=0):
    """Return what an authenticator app shows (RFC 6238)."""
    counter = int(time.time()) // 30 + steps_ahead
    digest = hmac.digest(base64.b32decode(secret), counter.to_bytes(8), "sha1")
    start = digest[-1] & 15
    return f"{(int.from_bytes(digest[start : start + 4]) & 0x7FFFFFFF) % 10**6:06}"


def enable_totp(client, user):
    """Sign in, set up an authenticator app and return its secret; the client stays signed in."""
    sign_in(client, user)
    url = reverse("mfa_activate_totp")
    page = client.get(url, follow=True)
    if page.redirect_chain:  # it asks for the password once more
        client.post(page.redirect_chain[-1][0], {"password": PASSWORD})
        page = client.get(url)
    secret = re.search(r"[A-Z2-7]{32}", page.content.decode())[0]
    with TestCase.captureOnCommitCallbacks(execute=True):
        response = client.post(url, {"code": code_for(secret)})
    assert response.status_code == 302
    return secret
