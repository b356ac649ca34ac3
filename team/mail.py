"""Mails about signing in. They leave through work rows: no request waits for a mail server, or fails with it.

The row of a mail with a link names the user; the link is made when it is sent, so that no row holds a secret.
"""

from urllib.parse import quote

from allauth.account import app_settings
from allauth.account.utils import user_pk_to_url_str
from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.urls import reverse

from team import work
from team.models import User

MAIL_KIND = "team.send_mail"
LINK_MAIL_KIND = "team.send_password_link"


def can_send_mail() -> bool:
    return bool(settings.EMAIL_URL)


def password_link(user: User) -> str:
    """Return a link by which its holder chooses the user's password, once, within PASSWORD_RESET_TIMEOUT."""
    token = app_settings.PASSWORD_RESET_TOKEN_GENERATOR().make_token(user)
    path = reverse("account_reset_password_from_key", kwargs={"uidb36": "UID", "key": "KEY"})
    return settings.PUBLIC_URL + path.replace("UID-KEY", quote(f"{user_pk_to_url_str(user)}-{token}"))


def queue_mail(*, to: str, subject: str, text: str) -> None:
    """Send a mail that holds no secret, after the caller's transaction. Without a mail server: nothing."""
    if can_send_mail():
        work.enqueue(kind=MAIL_KIND, payload={"to": to, "subject": subject, "text": text})


def queue_password_link(user: User, *, is_invitation: bool = False) -> None:
    """Send the user a password link, after the caller's transaction. Without a mail server: nothing."""
    if can_send_mail():
        payload = {"user": user.pk, "is_invitation": is_invitation}
        work.enqueue(kind=LINK_MAIL_KIND, key=f"user {user.pk}", payload=payload)


def send_password_link(user: User, *, is_invitation: bool) -> None:
    context = {
        "user": user,
        "organisation": settings.ORGANISATION_NAME,
        "link": password_link(user),
        "days": settings.PASSWORD_RESET_TIMEOUT // 86400,
        "is_invitation": is_invitation,
    }
    subject = "You are invited" if is_invitation else "Choose a new password"
    send(
        to=user.email,
        subject=f"{settings.ORGANISATION_NAME}: {subject}",
        text=render_to_string("team/mail/password_link.txt", context),
    )


def send(*, to: str, subject: str, text: str) -> None:
    """Hand a mail to the mail server now. Raises what the connection raises."""
    EmailMessage(subject=subject, body=text, to=[to]).send()
