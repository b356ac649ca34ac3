"""Identify, group and alias calls: contacts, accounts and who belongs where.

Most of these calls repeat what is known already, because programs send them at every sign-in. So
the rows are read set-wise and a service is called only where something differs.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from accounts.enums import Entity
from accounts.errors import InvalidInput
from accounts.models import Account, AttributeDefinition, Contact
from accounts.services import merge_contacts, update_account, update_contact, upsert_account, upsert_contact
from accounts.services.attributes import clean_value
from accounts.services.external_ids import give_external_ids
from health.ingest.calls import GROUP
from health.ingest.traits import account_fields, contact_fields
from health.usage.held import give_held
from health.usage.identities import Identities, anonymous
from health.usage.incoming import Incoming, Quarantined
from health.usage.merging import pass_on_contact

# Traits define fields by themselves, up to a number that a page can still show.
MAX_DEFINED_ATTRIBUTES = 200

Speech = tuple[Incoming, dict[str, Any]]  # a call, and the fields it changes


class ProfileWriter:
    """Applies what calls of one system say of people and companies, in the order in which it happened.

    Afterwards `quarantined` has the calls that a service refused and `refused` their messages; `met`
    has the contacts for whom events may have been held.
    """

    def __init__(self, calls: Sequence[Incoming], identities: Identities, *, now: datetime) -> None:
        self.identities = identities
        self.now = now
        self.calls = calls
        self.quarantined: list[Quarantined] = []
        self.refused: set[bytes] = set()
        self.met: set[int] = set()
        self.definitions: dict[tuple[str, str], AttributeDefinition] = {}

    def apply(self) -> None:
        """Write everything."""
        speaking = sorted(
            (incoming for incoming in self.calls if incoming.call.traits),
            key=lambda incoming: incoming.call.occurred_at,
        )
        if speaking:
            self._load_definitions()
        self._create_accounts()
        self._apply_groups(_speeches(speaking, GROUP))
        self._apply_people(_speeches(speaking, ""))

    def _create_accounts(self) -> None:
        missing = self.identities.groups - self.identities.accounts.keys()
        for is_backfill in (False, True) if missing else ():
            heard_at: dict[str, datetime] = {}
            for incoming in self.calls:
                name, moment = incoming.call.group_id, incoming.call.occurred_at
                if name in missing and incoming.batch.is_backfill == is_backfill:
                    heard_at[name] = min(moment, heard_at.get(name, moment))
            if heard_at:
                self.identities.create_accounts(heard_at, now=self.now, backfill=is_backfill)

    def _apply_groups(self, speeches: list[Speech]) -> None:
        rows = Account.all_objects.in_bulk({self.identities.accounts[i.call.group_id] for i, _ in speeches})
        for incoming, said in speeches:
            account = rows[self.identities.accounts[incoming.call.group_id]]
            fields = self._without_surplus(Entity.ACCOUNT, said)
            if account.deleted_at is None and not self._differs(Entity.ACCOUNT, account, fields):
                continue
            with self._writing(incoming, fields) as options:
                if account.deleted_at is None:
                    rows[account.pk] = update_account(account=account, **options)
                else:
                    system, name = self.identities.system, incoming.call.group_id
                    rows[account.pk], _ = upsert_account(system=system, external_id=name, **options)

    def _apply_people(self, speeches: list[Speech]) -> None:
        """Contacts: those who bring an e-mail address may be somebody we have, the others are new."""
        contacts = self.identities.contacts
        for incoming, said in speeches:
            if said.get("email") and incoming.call.user_id not in contacts:
                self._introduce(incoming, self._without_surplus(Entity.CONTACT, said))
        # Whoever is about to become a further name of somebody is nobody of their own.
        renamed = {incoming.call.previous_id for incoming in self.identities.aliases}
        self.identities.create_contacts(self.identities.users - renamed, now=self.now)
        self._link_other_names()
        if renamed:
            self.identities.create_contacts(self.identities.users, now=self.now)
            self._link_other_names()
        rows = Contact.all_objects.in_bulk({contacts[incoming.call.user_id] for incoming, _ in speeches})
        for incoming, said in speeches:
            contact = rows[contacts[incoming.call.user_id]]
            fields = self._without_surplus(Entity.CONTACT, said)
            if incoming.message_hash in self.refused or not (
                contact.deleted_at or self._differs(Entity.CONTACT, contact, fields)
            ):
                continue
            if contact.deleted_at is not None:
                rows[contact.pk] = self._introduce(incoming, fields) or contact
                continue
            with self._writing(incoming, fields) as options:
                rows[contact.pk] = update_contact(contact=contact, **options)

    def _introduce(self, incoming: Incoming, fields: dict[str, Any]) -> Contact | None:
        """Create or revive a contact; None when the service refused."""
        contact = None
        user_id = incoming.call.user_id
        with self._writing(incoming, fields) as options:
            contact, _ = upsert_contact(system=self.identities.system, external_id=user_id, **options)
            self.identities.contacts[user_id] = contact.pk
        return contact

    def _link_other_names(self) -> None:
        """Remember people's anonymous and earlier ids, and give them what was held under those."""
        system, contacts, behind = self.identities.system, self.identities.contacts, self.identities.persons_behind
        links: dict[tuple[str, str], int] = {}

        def link(name: str, into: dict[str, int], into_system: str, owner: int | None) -> None:
            if owner is not None and name not in into:
                into[name] = links[into_system, name] = owner

        if self.identities.nobodies - behind.keys():
            for incoming in self.calls:
                if incoming.call.anonymous_id and incoming.call.user_id:
                    owner = contacts.get(incoming.call.user_id)
                    link(incoming.call.anonymous_id, behind, anonymous(system), owner)
        for incoming in self.identities.aliases:
            owner = contacts.get(incoming.call.user_id)
            link(incoming.call.previous_id, contacts, system, owner)
            link(incoming.call.previous_id, behind, anonymous(system), owner)
        self._merge_namesakes()
        if links:
            give_external_ids(entity=Entity.CONTACT, names=links)
            self.met |= give_held(links)

    def _merge_namesakes(self) -> None:
        """Make one of two contacts that an alias calls the same, unless their e-mail addresses differ."""
        contacts = self.identities.contacts
        for incoming in self.identities.aliases:
            pair = contacts.get(incoming.call.user_id), contacts.get(incoming.call.previous_id)
            rows = Contact.objects.in_bulk({key for key in pair if key is not None})
            kept, gone = (rows.get(key or 0) for key in pair)
            if kept is None or gone is None or kept == gone or (gone.email and kept.email not in {"", gone.email}):
                continue
            try:
                merge_contacts(kept=kept, gone=gone, now=self.now)
            except InvalidInput:
                continue
            pass_on_contact(kept_id=kept.pk, gone_id=gone.pk)
            self.met.add(kept.pk)
            for name in [name for name, key in contacts.items() if key == gone.pk]:
                contacts[name] = kept.pk
            behind = self.identities.persons_behind
            for name in [name for name, key in behind.items() if key == gone.pk]:
                behind[name] = kept.pk

    def _without_surplus(self, entity: Entity, fields: dict[str, Any]) -> dict[str, Any]:
        """Leave out attributes nobody has defined once there are too many, and clearing of unknown ones."""
        attributes = fields.get("attributes")
        if not attributes:
            return fields
        room = MAX_DEFINED_ATTRIBUTES - sum(1 for owner, _ in self.definitions if owner == entity)
        kept = {}
        for key, value in attributes.items():
            if (entity, key) not in self.definitions:
                if room <= 0 or value is None or value == "":
                    continue
                room -= 1
            kept[key] = value
        return {**fields, "attributes": kept}

    def _differs(self, entity: Entity, row: Account | Contact, fields: dict[str, Any]) -> bool:
        """Return whether a call says anything the row does not; what cannot be compared differs."""
        for name, value in fields.items():
            if name == "attributes":
                for key, raw in value.items():
                    definition = self.definitions.get((entity, key))
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
        if not fields.get("attributes", {}).keys() <= {key for _, key in self.definitions}:
            self._load_definitions()

    def _load_definitions(self) -> None:
        rows = AttributeDefinition.objects.filter(is_builtin=False)
        self.definitions = {(row.entity, row.key): row for row in rows}


def _speeches(calls: Iterable[Incoming], kind: str) -> list[Speech]:
    """Return what group calls say of accounts, or the other calls of people who are named."""
    found = []
    for incoming in calls:
        if (incoming.call.kind == GROUP) != (kind == GROUP) or not (kind or incoming.call.user_id):
            continue
        said = account_fields(incoming.call.traits) if kind else contact_fields(incoming.call.traits)
        if said:
            found.append((incoming, said))
    return found


def _plain(name: str, value: object) -> str:
    """Return a column's value as services keep it, for comparison."""
    text = "" if value is None else str(value).strip()
    return text.lower() if name in {"email", "domain"} else text
