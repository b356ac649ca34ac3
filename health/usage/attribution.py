"""Which account a person's use belongs to, when the event does not say. Pure.

The same whatever order events arrive in: it depends on when things happened only.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple


class Stay(NamedTuple):
    """A contact at an account from `since` until `until` (None: still)."""

    account_id: int
    since: datetime
    until: datetime | None


class Visit(NamedTuple):
    """From when on a contact of several accounts worked in this one."""

    account_id: int
    since: datetime


def account_at(moment: datetime, stays: Sequence[Stay], visits: Sequence[Visit] = ()) -> int | None:
    """Return the account of a contact at a time, or None while nobody can know.

    The only account they belonged to then; among several, or none, where they last said they
    worked; before their first account, that one: people use a product before they are announced.
    """
    now = {stay.account_id for stay in stays if stay.since <= moment and (stay.until is None or moment < stay.until)}
    if len(now) == 1:
        return next(iter(now))
    before = [visit for visit in visits if visit.since <= moment and (not now or visit.account_id in now)]
    if before:
        return max(before, key=lambda visit: visit.since).account_id
    if now or not stays:
        return None
    first = min(stays, key=lambda stay: stay.since)
    return first.account_id if moment < first.since else None
