"""The work that this room does by itself."""

from django.utils import timezone

from team import canary, mail, work
from team.errors import GiveUp
from team.idempotency import purge_answers
from team.models import User
from team.security import check_chain


@work.handler(canary.KIND)
def sing(payload: work.Payload) -> None:
    """Do nothing: that it was done is the message."""


@work.handler("team.forget_done_work")
def forget_done_work(payload: work.Payload) -> None:
    while work.forget_done() == work.PURGE_ROWS:
        pass


@work.handler(mail.MAIL_KIND, atomic=False)
def send_mail(payload: work.Payload) -> None:
    mail.send(to=payload["to"], subject=payload["subject"], text=payload["text"])


@work.handler(mail.LINK_MAIL_KIND, atomic=False)
def send_password_link(payload: work.Payload) -> None:
    user = User.objects.filter(pk=payload["user"], is_active=True).first()
    if user is not None:
        mail.send_password_link(user, is_invitation=payload["is_invitation"])


@work.handler("team.check_security_log", lease_seconds=240)
def check_security_log(payload: work.Payload) -> None:
    """Fail where everybody sees it when somebody changed the log."""
    broken = check_chain().broken
    if broken is not None:
        raise GiveUp(f"Row {broken.pk} of the security log was changed, or rows before it were taken out.")


@work.handler("team.forget_kept_answers")
def forget_kept_answers(payload: work.Payload) -> None:
    purge_answers(now=timezone.now())
