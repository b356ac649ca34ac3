"""Who the ids in events are: contacts and accounts by the names a source's system gives them.

Read set-wise for each chunk rather than kept between chunks: a look-up of a thousand ids costs a
few milliseconds, and what an editor, the API or another worker has changed is always seen.
"""

from bisect import insort
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from django.db import connection

from accounts.enums import Entity
from accounts.services.bulk import ensure_accounts, ensure_contacts, find_all_by_external_id
from health.ingest.calls import ALIAS
from health.usage.attribution import Stay, Visit
from health.usage.incoming import Incoming

Name = tuple[str, str]  # (system, id there)


def anonymous(system: str) -> str:
    """Return the system under which a contact's anonymous ids are kept."""
    return f"{system}:anonymous"


class Identities:
    """The keys behind the ids of one chunk of calls, and what is known of those contacts."""

    def __init__(self, calls: Sequence[Incoming]) -> None:
        self.contacts: dict[Name, int] = {}
        self.accounts: dict[Name, int] = {}
        self.stays: dict[int, list[Stay]] = defaultdict(list)
        self.visits: dict[int, list[Visit]] = defaultdict(list)
        users, nobodies, groups = defaultdict(set), defaultdict(set), defaultdict(set)
        for incoming in calls:
            call, system = incoming.call, incoming.batch.source.system
            if call.user_id:
                users[system].add(call.user_id)
            if call.anonymous_id:
                nobodies[system].add(call.anonymous_id)
            if call.kind == ALIAS:
                users[system].add(call.previous_id)
                nobodies[system].add(call.previous_id)
            if call.group_id:
                groups[system].add(call.group_id)
        for system, ids in users.items():
            self._learn(self.contacts, system, find_all_by_external_id(Entity.CONTACT, system, ids))
        for system, ids in nobodies.items():
            found = find_all_by_external_id(Entity.CONTACT, anonymous(system), ids)
            self._learn(self.contacts, anonymous(system), found)
        for system, ids in groups.items():
            self._learn(self.accounts, system, find_all_by_external_id(Entity.ACCOUNT, system, ids))

    def create_missing_contacts(self, names: Iterable[Name]) -> None:
        """Give every name a contact, empty where nobody has said more of them."""
        for system, ids in _by_system(name for name in names if name not in self.contacts).items():
            self._learn(self.contacts, system, ensure_contacts(system=system, external_ids=ids))

    def create_missing_accounts(self, heard: Iterable[tuple[Name, datetime, bool]], *, now: datetime) -> None:
        """Give every (name, when it was heard of, whether that is backfill) an account named after the id."""
        first: dict[tuple[str, bool], dict[str, datetime]] = defaultdict(dict)
        for name, moment, is_backfill in heard:
            if name not in self.accounts:
                known = first[name[0], is_backfill]
                known[name[1]] = min(moment, known.get(name[1], moment))
        for (system, is_backfill), ids in first.items():
            found = ensure_accounts(system=system, first_heard_at=ids, now=now, backfill=is_backfill)
            self._learn(self.accounts, system, found)

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

    def contact_of(self, incoming: Incoming) -> int:
        """Return the contact an event is about, 0 for nobody known."""
        call, system = incoming.call, incoming.batch.source.system
        if call.user_id:
            return self.contacts.get((system, call.user_id), 0)
        return self.contacts.get((anonymous(system), call.anonymous_id), 0)

    def account_named_by(self, incoming: Incoming) -> int | None:
        """Return the account the event itself names, or None."""
        if not incoming.call.group_id:
            return None
        return self.accounts[incoming.batch.source.system, incoming.call.group_id]

    @staticmethod
    def _learn(into: dict[Name, int], system: str, keys: dict[str, int]) -> None:
        for value, key in keys.items():
            into[system, value] = key


def _by_system(names: Iterable[Name]) -> dict[str, set[str]]:
    grouped = defaultdict(set)
    for system, value in names:
        grouped[system].add(value)
    return grouped
