"""The doors to what health keeps about an account: no access is 404."""

from django.http import Http404

from accounts.models import Account
from health.enums import AlertState
from health.models import Alert, AlertMute
from team.models import User


def get_alert_for(user: User, pk: int) -> Alert:
    """Return an alert (or what stands) of an account the user may see. Raises Http404."""
    rows = Alert.objects.exclude(state=AlertState.WAITING).filter(account__in=Account.objects.visible_to(user))
    alert = rows.select_related("rule", "account").filter(pk=pk).first()
    if alert is None:
        msg = "There is no such alert, or you may not see its account."
        raise Http404(msg)
    return alert


def get_mute_for(user: User, pk: int) -> AlertMute:
    """Return a mute of an account the user may see. Raises Http404."""
    rows = AlertMute.objects.filter(account__in=Account.objects.visible_to(user))
    mute = rows.select_related("rule", "account").filter(pk=pk).first()
    if mute is None:
        msg = "There is no such mute, or you may not see its account."
        raise Http404(msg)
    return mute
