"""From the names that a body gives other rows to the rows, a few queries for a whole batch."""

from collections.abc import Iterable, Iterator
from typing import Any

from django.db.models import QuerySet

from accounts.enums import Entity
from accounts.errors import InvalidInput
from accounts.models import ExternalId
from accounts.permissions import visible_accounts, visible_contacts
from accounts.serializers.rows import Ref
from team.models import User

# Which fields of all writers name what.
TARGETS = {
    "account": Entity.ACCOUNT,
    "parent": Entity.ACCOUNT,
    "contact": Entity.CONTACT,
    "contacts": Entity.CONTACT,
}
USER_FIELDS = {"csm", "author", "owner"}
USER = "user"


class References:
    """Finds rows that the caller may see; remembers what it found."""

    def __init__(self, user: User | None) -> None:
        self.user = user
        self.found: dict[tuple[str, Ref], Any] = {}

    def resolve(self, fields: dict[str, Any], *, look: bool = True) -> dict[str, Any]:
        """Return the fields with rows in place of references. Raises InvalidInput naming the field.

        With `look` False only what was learned before is found.
        """
        if look:
            self.learn([fields])
        return {name: self._resolved(name, value) for name, value in fields.items()}

    def learn(self, bodies: Iterable[dict[str, Any]]) -> None:
        """Look up what several bodies name at once; what is not there is looked for again when it is needed."""
        wanted: dict[str, set[Ref]] = {}
        for body in bodies:
            for target, ref in _references(body):
                if (target, ref) not in self.found:
                    wanted.setdefault(target, set()).add(ref)
        for target, refs in wanted.items():
            for ref, row in self._load(target, refs):
                self.found[target, ref] = row

    def _resolved(self, name: str, value: Any) -> Any:
        if isinstance(value, Ref):
            return self._row(name, value)
        if name == "contacts":
            return [self._row(name, ref, f"{name}/{index}") for index, ref in enumerate(value)]
        if name == "memberships":
            return [
                {
                    inner: self._row(inner, each, f"{name}/{index}/{inner}") if isinstance(each, Ref) else each
                    for inner, each in membership.items()
                }
                for index, membership in enumerate(value)
            ]
        return value

    def _row(self, name: str, ref: Ref, path: str = "") -> Any:
        target = _target(name)
        if (target, ref) not in self.found:
            raise InvalidInput(f"There is no {target} with {ref}, or you may not see it.", path or name)
        return self.found[target, ref]

    def _load(self, target: str, refs: set[Ref]) -> Iterator[tuple[Ref, Any]]:
        if target == USER:
            yield from _users(refs)
            return
        keys = {ref: ref.key for ref in refs if ref.key is not None}
        keys |= _keys_of_external_ids(target, [ref for ref in refs if ref.key is None])
        rows = self._rows(target).in_bulk(keys.values())
        for ref, key in keys.items():
            if key in rows:
                yield ref, rows[key]

    def _rows(self, target: str) -> QuerySet[Any]:
        rows: QuerySet[Any] = visible_accounts(self.user) if target == Entity.ACCOUNT else visible_contacts(self.user)
        return rows.filter(deleted_at=None)


def _references(body: dict[str, Any]) -> Iterator[tuple[str, Ref]]:
    for name, value in body.items():
        if isinstance(value, Ref):
            yield _target(name), value
        elif name == "contacts":
            yield from ((_target(name), ref) for ref in value)
        elif name == "memberships":
            for membership in value:
                yield from _references(membership)


def _target(name: str) -> str:
    return USER if name in USER_FIELDS else TARGETS[name]


def _users(refs: set[Ref]) -> Iterator[tuple[Ref, User]]:
    users = User.objects.filter(is_active=True)
    by_key = users.in_bulk([ref.key for ref in refs if ref.key is not None])
    emails = {ref.email.strip().lower(): ref for ref in refs if ref.email}
    by_email = {user.email.lower(): user for user in users.filter(email__in=emails)} if emails else {}
    for ref in refs:
        user = by_key.get(ref.key) if ref.key is not None else by_email.get(ref.email.strip().lower())
        if user is not None:
            yield ref, user


def _keys_of_external_ids(entity: str, refs: list[Ref]) -> dict[Ref, int]:
    if not refs:
        return {}
    rows = ExternalId.objects.filter(
        entity=entity, system__in={ref.system for ref in refs}, value__in={ref.external_id for ref in refs}
    )
    keys = {(row.system, row.value): row.object_id for row in rows}
    return {ref: keys[ref.system, ref.external_id] for ref in refs if (ref.system, ref.external_id) in keys}
