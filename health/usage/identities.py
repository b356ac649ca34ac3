"""Who the ids in events are: contacts and accounts by the names a source's system gives them.

Read set-wise for each chunk rather than kept between chunks: a look-up of a thousand ids costs a
few milliseconds, and what an editor, the API or another worker has changed is always seen.
"""

from bisect import insort
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from django.db import connection

from accounts.enums import Entity
from accounts.services.external_ids import find_all_by_external_id
from accounts.services.loading import NewAccount, NewContact, create_accounts, create_contacts
from health.ingest.calls import ALIAS
from health.usage.attribution import Stay, Visit
from health.usage.incoming import Incoming


def anonymous(system: str) -> str:
    """Return the system under which a contact's anonymous ids are kept."""
    return f"{system}:anonymous"


class Identities:
    """The keys behind the ids that calls of one system use, and what is known of those contacts."""

    def __init__(self, system: str, calls: Sequence[Incoming]) -> None:
        self.system = system
        self.aliases = [incoming for incoming in calls if incoming.call.kind == ALIAS]
        renamed = {incoming.call.previous_id for incoming in self.aliases}
        self.users = {incoming.call.user_id for incoming in calls} - {""}
        self.nobodies = {incoming.call.anonymous_id for incoming in calls} - {""}
        self.groups = {incoming.call.group_id for incoming in calls} - {""}
        self.contacts = find_all_by_external_id(Entity.CONTACT, system, self.users | renamed)
        self.persons_behind = find_all_by_external_id(Entity.CONTACT, anonymous(system), self.nobodies | renamed)
        self.accounts = find_all_by_external_id(Entity.ACCOUNT, system, self.groups)
        self.stays: dict[int, list[Stay]] = defaultdict(list)
        self.visits: dict[int, list[Visit]] = defaultdict(list)

    def create_contacts(self, users: Iterable[str], *, now: datetime) -> None:
        """Give every user id a contact, empty where nobody has said more of them."""
        missing = sorted(set(users) - self.contacts.keys())
        if missing:
            rows = [NewContact(fields={}, system=self.system, external_id=user) for user in missing]
            create_contacts(rows, now=now)
            self.contacts |= find_all_by_external_id(Entity.CONTACT, self.system, missing)

    def create_accounts(self, heard_at: Mapping[str, datetime], *, now: datetime, backfill: bool) -> None:
        """Give every group id an account, named after it; `heard_at` says when each was first heard of."""
        rows = [
            NewAccount(fields={}, occurred_at=moment, system=self.system, external_id=group)
            for group, moment in sorted(heard_at.items())
        ]
        create_accounts(rows, now=now, backfill=backfill)
        self.accounts |= find_all_by_external_id(Entity.ACCOUNT, self.system, heard_at)

    def contact_of(self, incoming: Incoming) -> int:
        """Return the contact an event is about, 0 for nobody known."""
        call = incoming.call
        if call.user_id:
            return self.contacts.get(call.user_id, 0)
        return self.persons_behind.get(call.anonymous_id, 0)

    def load_whereabouts(self, contact_ids: Collection[int]) -> None:
        """Read (again) where contacts belong, and for those of several accounts where they last worked."""
        for contact_id in contact_ids:
            self.stays[contact_id] = []
            self.visits[contact_id] = []
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT contact_id, account_id, occurred_at, until FROM accounts_membership"
                " WHERE contact_id = ANY(%s) ORDER BY id",
                [list(contact_ids)],
            )
            for contact_id, account_id, since, until in cursor.fetchall():
                self.stays[contact_id].append(Stay(account_id, since, until))
            wanderers = [pk for pk in contact_ids if len({stay.account_id for stay in self.stays[pk]}) != 1]
            if wanderers:
                cursor.execute(
                    "SELECT contact_id, account_id, occurred_at FROM health_groupcall"
                    " WHERE contact_id = ANY(%s) ORDER BY occurred_at, id",
                    [wanderers],
                )
                for contact_id, account_id, since in cursor.fetchall():
                    self.visits[contact_id].append(Visit(account_id, since))

    def note_visit(self, contact_id: int, account_id: int, moment: datetime) -> None:
        """Remember a visit that has just been written, in order of time."""
        insort(self.visits[contact_id], Visit(account_id, moment), key=lambda visit: visit.since)
