"""From the ids of other systems to our rows, a chunk at a time."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import TypeVar

from django.db.models import Model

from accounts.enums import Entity
from accounts.models import (
    Account,
    Contact,
    ExternalId,
    Membership,
    Product,
    Subscription,
)
from accounts.services import ensure_product
from integrations.imports.errors import BadValue
from integrations.imports.grouping import Record
from integrations.imports.mapping import Field
from integrations.imports.types import shown
from team.models import Team, User

M = TypeVar("M", bound=Model)
# Entity, system, external id.
Name = tuple[str, str, str]


class References:
    """Rows that records refer to: `prepare` looks up a chunk's in a few queries."""

    def __init__(self, system: str) -> None:
        self.system = system
        self.accounts: dict[Name, Account] = {}
        self.contacts: dict[Name, Contact] = {}
        self.subscriptions: dict[Name, Subscription] = {}
        self.homes: dict[int, list[Account]] = {}
        self.users: dict[str, User] = {}
        self.teams: dict[str, Team] = {}
        self.products: dict[str, Product] = {}

    def prepare(self, records: Iterable[Record]) -> None:
        """Look up what a chunk refers to, in place of what the last one did."""
        pks = _find(self._names(records))
        self.accounts = _rows(Account.objects.in_bulk(pks[Entity.ACCOUNT].values()), pks[Entity.ACCOUNT])
        contacts = Contact.objects.in_bulk(pks[Entity.CONTACT].values())
        self.contacts = _rows(contacts, pks[Entity.CONTACT])
        self.subscriptions = _rows(
            Subscription.objects.select_related("account").in_bulk(pks[Entity.SUBSCRIPTION].values()),
            pks[Entity.SUBSCRIPTION],
        )
        self.homes = _homes(contacts)

    def account(self, record: Record, field: Field) -> Account:
        """Return the account a record names, itself or through something. Raises BadValue."""
        name = self._name(record, field)
        if field.via == "subscription":
            subscription = self.subscriptions.get(name)
            if subscription is None:
                raise self._unknown("subscription", name, field)
            return subscription.account
        if field.via == "contact":
            return self._home(name, field)
        account = self.accounts.get(name)
        if account is None:
            raise self._unknown("account", name, field)
        return account

    def contact(self, record: Record, field: Field) -> Contact:
        name = self._name(record, field)
        contact = self.contacts.get(name)
        if contact is None:
            raise self._unknown("contact", name, field)
        return contact

    def subscription(self, record: Record, field: Field) -> Subscription:
        return self.subscriptions[self._name(record, field)]

    def remember_account(self, external_id: str, account: Account) -> None:
        self.accounts[Entity.ACCOUNT, self.system, external_id] = account

    def remember_contact(self, external_id: str, contact: Contact) -> None:
        self.contacts[Entity.CONTACT, self.system, external_id] = contact
        self.homes.pop(contact.pk, None)

    def remember_subscription(self, external_id: str, row: Subscription) -> None:
        self.subscriptions[Entity.SUBSCRIPTION, self.system, external_id] = row

    def user(self, email: str) -> User:
        if email not in self.users:
            user = User.objects.filter(email=email.lower()).first()
            if user is None:
                message = f"no user has the e-mail address {shown(email)}; invite them first"
                raise BadValue("unknown_user", message)
            self.users[email] = user
        return self.users[email]

    def team(self, name: str) -> Team:
        if name not in self.teams:
            team = Team.objects.filter(name=name).first()
            if team is None:
                message = f"there is no team {shown(name)}; create it first"
                raise BadValue("unknown_team", message)
            self.teams[name] = team
        return self.teams[name]

    def product(self, key: str) -> Product:
        if key not in self.products:
            self.products[key] = ensure_product(key=key)
        return self.products[key]

    def _home(self, name: Name, field: Field) -> Account:
        contact = self.contacts.get(name)
        if contact is None:
            raise self._unknown("contact", name, field)
        if contact.pk not in self.homes:
            self.homes |= _homes([contact.pk])
        homes = self.homes[contact.pk]
        if len(homes) != 1:
            message = f"contact {shown(name[2])} belongs to {len(homes)} accounts, so the account must be named"
            raise BadValue("ambiguous_account", message)
        return homes[0]

    def _name(self, record: Record, field: Field) -> Name:
        entity = entity_of(field)
        assert entity is not None
        return entity, field.system or self.system, str(record.values[field.name])

    def _names(self, records: Iterable[Record]) -> set[Name]:
        names = set()
        for record in records:
            for field in record.rule.fields:
                if entity_of(field) and field.name in record.values:
                    names.add(self._name(record, field))
        return names

    def _unknown(self, what: str, name: Name, field: Field) -> BadValue:
        system = field.system or self.system
        message = f"{system} has no {what} {shown(name[2])} here; import its {what}s first"
        return BadValue(f"unknown_{what}", message)


def entity_of(field: Field) -> str | None:
    """Return what an external id in this field names, or None when it holds none."""
    if field.via is not None:
        return field.via
    return field.kind if field.kind in {"account", "contact"} else None


def _find(names: set[Name]) -> dict[str, dict[Name, int]]:
    """Return the primary keys by entity, then name."""
    wanted: dict[tuple[str, str], list[str]] = defaultdict(list)
    for entity, system, value in names:
        wanted[entity, system].append(value)
    found: dict[str, dict[Name, int]] = defaultdict(dict)
    for (entity, system), values in wanted.items():
        rows = ExternalId.objects.filter(entity=entity, system=system, value__in=values)
        for value, pk in rows.values_list("value", "object_id"):
            found[entity][entity, system, value] = pk
    return found


def _rows(rows: Mapping[int, M], pks: Mapping[Name, int]) -> dict[Name, M]:
    """Return rows by name; deleted ones are left out."""
    return {name: rows[pk] for name, pk in pks.items() if pk in rows}


def _homes(contact_ids: Iterable[int]) -> dict[int, list[Account]]:
    """Return the accounts each contact belongs to now."""
    homes: dict[int, list[Account]] = {pk: [] for pk in contact_ids}
    if homes:
        memberships = Membership.objects.filter(contact__in=homes, until=None, account__deleted_at=None)
        for membership in memberships.select_related("account"):
            homes[membership.contact_id].append(membership.account)
    return homes
