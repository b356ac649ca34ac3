"""Accounts, contacts and products."""

from collections.abc import Sequence
from typing import Any

from django.db.models import Prefetch, QuerySet
from rest_framework import serializers

from accounts import services
from accounts.api.batches import BatchResource, Row
from accounts.api.resources import OfAccountQuery
from accounts.enums import Entity, Stage
from accounts.models import Account, Contact, Membership, Product
from accounts.permissions import visible_accounts, visible_contacts
from accounts.serializers.accounts import AccountReader, AccountWriter, ProductReader
from accounts.serializers.contacts import ContactReader, ContactWriter
from accounts.services import loading
from team.api.fields import Id
from team.api.paging import ChangeQuery, KeysetPaging, PageQuery
from team.api.resources import ReadResource


class AccountQuery(ChangeQuery):
    stage = serializers.ChoiceField(choices=Stage.choices, required=False, help_text="Only in this lifecycle stage.")
    csm = Id(required=False, help_text="Only those of this user.")
    parent = Id(required=False, help_text="Only those below this account.")  # type: ignore[assignment]


class AccountResource(BatchResource):
    """Customer companies."""

    scope = "accounts"
    entity = Entity.ACCOUNT
    model = Account
    reader = AccountReader
    writer = AccountWriter
    list_query_class = AccountQuery

    def visible(self) -> QuerySet[Account]:
        return visible_accounts(self.caller.user)

    def narrowed(self, rows: QuerySet[Account], query: dict[str, Any]) -> QuerySet[Account]:
        return rows.filter(**{name: query[name] for name in ("stage", "csm", "parent") if name in query})

    def create_row(self, fields: dict[str, Any]) -> Account:
        return services.create_account(**self._split(fields))

    def change_row(self, row: Account, fields: dict[str, Any]) -> Account:
        return services.update_account(account=row, **self._split(fields))

    def upsert_row(
        self, system: str, external_id: str, fields: dict[str, Any], existing: Account | None
    ) -> tuple[Account, bool]:
        if existing is not None and existing.deleted_at is None:
            return self.change_row(existing, fields), False
        return services.upsert_account(system=system, external_id=external_id, **self._split(fields))

    def create_rows(self, rows: list[tuple[Row, dict[str, Any]]]) -> Sequence[Any]:
        fresh = [
            loading.NewAccount(
                system=row.system,
                external_id=row.external_id,
                occurred_at=fields.pop("effective_at", None),
                fields=fields,
            )
            for row, fields in rows
        ]
        return loading.create_accounts(fresh, **self.write_options)

    def change_rows(self, rows: list[tuple[Row, Any, dict[str, Any]]]) -> Sequence[Any]:
        changed = [
            loading.ChangedAccount(account=account, occurred_at=fields.pop("effective_at", None), fields=fields)
            for _, account, fields in rows
        ]
        return loading.change_accounts(changed, **self.write_options)

    def delete_row(self, row: Account) -> None:
        services.delete_account(account=row, now=self.now, actor=self.caller.user)

    def _split(self, fields: dict[str, Any]) -> dict[str, Any]:
        return {"occurred_at": fields.pop("effective_at", None), "fields": fields, **self.write_options}


class ContactResource(BatchResource):
    """People at accounts."""

    scope = "contacts"
    entity = Entity.CONTACT
    model = Contact
    reader = ContactReader
    writer = ContactWriter
    list_query_class = OfAccountQuery

    def visible(self) -> QuerySet[Contact]:
        return visible_contacts(self.caller.user)

    def narrowed(self, rows: QuerySet[Contact], query: dict[str, Any]) -> QuerySet[Contact]:
        if "account" not in query:
            return rows
        return rows.filter(pk__in=Membership.objects.filter(account=query["account"], until=None).values("contact"))

    def loaded(self, rows: QuerySet[Contact]) -> QuerySet[Contact]:
        seen = visible_accounts(self.caller.user).filter(deleted_at=None)
        current = Membership.objects.filter(until=None, account__in=seen).order_by("pk")
        return rows.select_related("persona").prefetch_related(
            Prefetch("memberships", queryset=current, to_attr="current_memberships")
        )

    def create_row(self, fields: dict[str, Any]) -> Contact:
        options, memberships = self._split(fields)
        return self._join(services.create_contact(**options), memberships, options)

    def change_row(self, row: Contact, fields: dict[str, Any]) -> Contact:
        options, memberships = self._split(fields)
        return self._join(services.update_contact(contact=row, **options), memberships, options)

    def upsert_row(
        self, system: str, external_id: str, fields: dict[str, Any], existing: Contact | None
    ) -> tuple[Contact, bool]:
        if existing is not None and existing.deleted_at is None:
            return self.change_row(existing, fields), False
        options, memberships = self._split(fields)
        contact, is_new = services.upsert_contact(system=system, external_id=external_id, **options)
        return self._join(contact, memberships, options), is_new

    def is_plain(self, fields: dict[str, Any]) -> bool:
        return super().is_plain(fields) and len(fields.get("memberships", ())) <= 1

    def create_rows(self, rows: list[tuple[Row, dict[str, Any]]]) -> Sequence[Any]:
        fresh = []
        for row, fields in rows:
            (membership,) = fields.pop("memberships", None) or [{}]
            fresh.append(
                loading.NewContact(
                    system=row.system,
                    external_id=row.external_id,
                    account=membership.get("account"),
                    role=membership.get("role"),
                    occurred_at=fields.pop("effective_at", None),
                    fields=fields,
                )
            )
        return loading.create_contacts(fresh, **self.write_options)

    def delete_row(self, row: Contact) -> None:
        services.delete_contact(contact=row, now=self.now, actor=self.caller.user)

    def _split(self, fields: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]] | None]:
        memberships = fields.pop("memberships", None)
        return {"occurred_at": fields.pop("effective_at", None), "fields": fields, **self.write_options}, memberships

    def _join(self, contact: Contact, memberships: list[dict[str, Any]] | None, options: dict[str, Any]) -> Contact:
        if memberships is not None:
            services.set_memberships(
                contact=contact,
                roles={membership["account"]: membership.get("role") for membership in memberships},
                among=visible_accounts(self.caller.user),
                occurred_at=options["occurred_at"] or self.now,
                **self.write_options,
            )
        return contact


class ProductResource(ReadResource):
    """What customers can buy."""

    scope = "users"
    reader = ProductReader
    pagination_class = KeysetPaging
    list_query_class = PageQuery

    def visible(self) -> QuerySet[Product]:
        return Product.objects.all()
