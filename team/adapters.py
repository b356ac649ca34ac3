"""How django-allauth behaves here: people are invited, mails leave later, second factors are encrypted."""

import base64
import os
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone

from team.mail import queue_mail, queue_password_link
from team.models import User
from team.security import log_security

NONCE_BYTES = 12
PURPOSE = b"second factors"


class InvitationOnlyAdapter(DefaultAccountAdapter):
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def send_password_reset_mail(self, user: User, email: str, context: dict[str, Any]) -> None:
        log_security(
            kind="password.reset_asked",
            now=timezone.now(),
            user=user,
            subject=user.email,
            ip_address=self.get_client_ip(context["request"]),
        )
        queue_password_link(user)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Queue one of allauth's own mails, such as "your password was changed"."""
        message = self.render_mail(template_prefix, email, {"current_site": _site(), "email": email, **context})
        queue_mail(to=email, subject=str(message.subject), text=str(message.body))

    def send_notification_mail(
        self, template_prefix: str, user: User, context: dict[str, Any] | None = None, email: str | None = None
    ) -> None:
        super().send_notification_mail(template_prefix, user, context, email or user.email)


class EncryptingMFAAdapter(DefaultMFAAdapter):
    """Keeps the secrets of second factors under a key made from SECRET_KEY (AES-256-GCM)."""

    def encrypt(self, text: str) -> str:
        nonce = os.urandom(NONCE_BYTES)
        return base64.b64encode(nonce + _cipher().encrypt(nonce, text.encode(), PURPOSE)).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """Return the text. Raises InvalidTag when SECRET_KEY is not the one it was encrypted under."""
        raw = base64.b64decode(encrypted_text)
        return _cipher().decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], PURPOSE).decode()


def _cipher() -> AESGCM:
    key = HKDF(algorithm=SHA256(), length=32, salt=None, info=PURPOSE).derive(settings.SECRET_KEY.encode())
    return AESGCM(key)


def _site() -> dict[str, str]:
    return {"name": settings.ORGANISATION_NAME, "domain": settings.PUBLIC_URL}
