"""Identify, group and alias calls: contacts, accounts and who belongs where.

Most of these calls repeat what is known already, because programs send them at every sign-in. So
the rows are read set-wise and a service is called only where something differs.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from accounts.enums import Entity
from accounts.errors import InvalidInput
from accounts.models import Account, AttributeDefinition, Contact
from accounts.services import update_account, update_contact, upsert_account, upsert_contact
from accounts.services.attributes import clean_value
from accounts.services.bulk import Joining, join_accounts, name_contacts
from health.ingest.calls import ALIAS, GROUP, IGNORED
from health.ingest.traits import account_fields, contact_fields
from health.models import GroupCall
from health.usage.held import give_held
from health.usage.identities import Identities, Name, anonymous
from health.usage.incoming import Incoming, Quarantined

# Traits define fields by themselves, up to a number that a page can still show.
MAX_DEFINED_ATTRIBUTES = 200


class ProfileWriter:
    """Applies the calls of one chunk in the order in which they happened."""

    def __init__(self, calls: Sequence[Incoming], identities: Identities, *, now: datetime) -> None:
        self.identities = identities
        self.now = now
        self.calls = sorted(calls, key=lambda incoming: incoming.call.occurred_at)
        self.quarantined: list[Quarantined] = []
        self.refused: set[str] = set()
        self.met: set[int] = set()  # contacts whose held events may have an account now

    def apply(self) -> None:
        """Write everything; what a service refuses is in `quarantined`, its messages in `refused`."""
        calls = [incoming for incoming in self.calls if incoming.call.kind != IGNORED]
        self._load_definitions()
        self._apply_groups([incoming for incoming in calls if incoming.call.group_id])
        people = [incoming for incoming in calls if incoming.call.user_id]
        self._apply_people(people)
        self._link_other_names(people)
        self._apply_memberships(calls)

    def _apply_groups(self, calls: list[Incoming]) -> None:
        names = [((i.batch.source.system, i.call.group_id), i.call.occurred_at, i.batch.is_backfill) for i in calls]
        self.identities.create_missing_accounts(names, now=self.now)
        speaking = [
            (incoming, fields)
            for incoming in calls
            if incoming.call.kind == GROUP and (fields := account_fields(incoming.call.traits))
        ]
        rows = self._rows(Account, [self.identities.accounts[_group(incoming)] for incoming, _ in speaking])
        for incoming, fields in speaking:
            account = rows[self.identities.accounts[_group(incoming)]]
            kept = self._known_or_definable(Entity.ACCOUNT, fields)
            if account.deleted_at is None and not self._differs(Entity.ACCOUNT, account, kept):
                continue
            with self._writing(incoming, kept) as options:
                if account.deleted_at is None:
                    rows[account.pk] = update_account(account=account, **options)
                else:
                    system, value = _group(incoming)
                    rows[account.pk], _ = upsert_account(system=system, external_id=value, **options)

    def _apply_people(self, calls: list[Incoming]) -> None:
        """Contacts: those who bring an e-mail address may be somebody we have, the others are new."""
        speaking = {
            id(incoming): fields
            for incoming in calls
            if incoming.call.traits and incoming.call.kind != GROUP and (fields := contact_fields(incoming.call.traits))
        }
        for incoming in calls:
            fields = speaking.get(id(incoming), {})
            if fields.get("email") and _user(incoming) not in self.identities.contacts:
                kept = self._known_or_definable(Entity.CONTACT, fields)
                system, value = _user(incoming)
                with self._writing(incoming, kept) as options:
                    contact, _ = upsert_contact(system=system, external_id=value, **options)
                    self.identities.contacts[system, value] = contact.pk
        self.identities.create_missing_contacts(_user(incoming) for incoming in calls)
        speakers = [incoming for incoming in calls if id(incoming) in speaking]
        rows = self._rows(Contact, [self.identities.contacts[_user(incoming)] for incoming in speakers])
        for incoming in speakers:
            contact = rows[self.identities.contacts[_user(incoming)]]
            kept = self._known_or_definable(Entity.CONTACT, speaking[id(incoming)])
            if incoming.message_hash in self.refused or not (
                contact.deleted_at or self._differs(Entity.CONTACT, contact, kept)
            ):
                continue
            with self._writing(incoming, kept) as options:
                if contact.deleted_at is None:
                    rows[contact.pk] = update_contact(contact=contact, **options)
                else:
                    system, value = _user(incoming)
                    rows[contact.pk], _ = upsert_contact(system=system, external_id=value, **options)

    def _link_other_names(self, calls: list[Incoming]) -> None:
        """Remember people's anonymous and earlier ids, and give them what was held under those."""
        links: dict[Name, int] = {}
        for incoming in calls:
            system, call = incoming.batch.source.system, incoming.call
            names = [(anonymous(system), call.anonymous_id)] if call.anonymous_id else []
            if call.kind == ALIAS:
                names += [(system, call.previous_id), (anonymous(system), call.previous_id)]
            for name in names:
                if name not in self.identities.contacts:
                    links[name] = self.identities.contacts[name] = self.identities.contacts[_user(incoming)]
        if links:
            name_contacts(names=links)
            self.met |= give_held(links)

    def _apply_memberships(self, calls: list[Incoming]) -> None:
        """A group call joins; an event that names an account does so where the two never met."""
        placed = [
            (incoming, self.identities.contact_of(incoming))
            for incoming in calls
            if incoming.message_hash not in self.refused and (incoming.call.is_active or incoming.call.kind == GROUP)
        ]
        self.identities.load_whereabouts({contact_id for _, contact_id in placed if contact_id})
        joinings: dict[bool, dict[tuple[int, int], Joining]] = {True: {}, False: {}}
        for incoming, contact_id in placed:
            account_id = self.identities.account_named_by(incoming)
            if account_id is None or not contact_id:
                continue
            moment = incoming.call.occurred_at
            stays = [stay for stay in self.identities.stays[contact_id] if stay.account_id == account_id]
            is_there = any(stay.until is None or stay.since <= moment < stay.until for stay in stays)
            if is_there or (stays and incoming.call.kind != GROUP):
                continue
            joinings[incoming.batch.is_backfill].setdefault(
                (contact_id, account_id), Joining(contact_id, account_id, moment)
            )
        for is_backfill, found in joinings.items():
            if found:
                join_accounts(joinings=found.values(), now=self.now, backfill=is_backfill)
        joined = {contact_id for found in joinings.values() for contact_id, _ in found}
        self.met |= joined
        if joined:
            self.identities.load_whereabouts(joined)
        self._note_visits(placed)

    def _note_visits(self, placed: list[tuple[Incoming, int]]) -> None:
        """Keep where people of several accounts say they work, when that changes."""
        fresh = []
        for incoming, contact_id in placed:
            if incoming.call.kind != GROUP or not contact_id:
                continue
            if len({stay.account_id for stay in self.identities.stays[contact_id]}) < 2:
                continue
            account_id = self.identities.accounts[_group(incoming)]
            moment = incoming.call.occurred_at
            before = [visit for visit in self.identities.visits[contact_id] if visit.since <= moment]
            if not before or before[-1].account_id != account_id:
                fresh.append(GroupCall(contact_id=contact_id, account_id=account_id, occurred_at=moment))
                self.identities.note_visit(contact_id, account_id, moment)
                self.met.add(contact_id)
        GroupCall.objects.bulk_create(fresh)

    def _rows(self, model: type[Any], keys: list[int]) -> dict[int, Any]:
        return dict(model.all_objects.in_bulk(keys))

    def _known_or_definable(self, entity: Entity, fields: dict[str, Any]) -> dict[str, Any]:
        """Leave out attributes nobody has defined once there are too many, and clearing of unknown ones."""
        attributes = fields.get("attributes")
        if not attributes:
            return fields
        room = MAX_DEFINED_ATTRIBUTES - sum(1 for owner, _ in self._definitions if owner == entity)
        kept = {}
        for key, value in attributes.items():
            if (entity, key) not in self._definitions:
                if room <= 0 or value is None or value == "":
                    continue
                room -= 1
            kept[key] = value
        return {**fields, "attributes": kept}

    def _differs(self, entity: Entity, row: Any, fields: dict[str, Any]) -> bool:
        """Return whether a call says anything the row does not; what cannot be compared differs."""
        for name, value in fields.items():
            if name == "attributes":
                for key, raw in value.items():
                    definition = self._definitions.get((entity, key))
                    try:
                        if definition is None or clean_value(definition, raw) != row.attributes.get(key):
                            return True
                    except InvalidInput:
                        return True
            elif _plain(name, value) != _plain(name, getattr(row, name)):
                return True
        return False

    @contextmanager
    def _writing(self, incoming: Incoming, fields: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """Yield a service's options; what it refuses is that one call's fault."""
        try:
            yield {
                "fields": fields,
                "now": self.now,
                "occurred_at": incoming.call.occurred_at,
                "backfill": incoming.batch.is_backfill,
                "define_missing": True,
            }
        except InvalidInput as error:
            self.refused.add(incoming.message_hash)
            self.quarantined.append(
                Quarantined(incoming.batch, incoming.raw, "invalid_trait", error.message, incoming.call.message_id)
            )
        known = {key for _, key in self._definitions}
        if not fields.get("attributes", {}).keys() <= known:
            self._load_definitions()

    def _load_definitions(self) -> None:
        rows = AttributeDefinition.objects.filter(is_builtin=False)
        self._definitions = {(row.entity, row.key): row for row in rows}


def _user(incoming: Incoming) -> tuple[str, str]:
    return incoming.batch.source.system, incoming.call.user_id


def _group(incoming: Incoming) -> tuple[str, str]:
    return incoming.batch.source.system, incoming.call.group_id


def _plain(name: str, value: object) -> str:
    """Return a column's value as services keep it, for comparison."""
    text = "" if value is None else str(value).strip()
    return text.lower() if name in {"email", "domain"} else text
