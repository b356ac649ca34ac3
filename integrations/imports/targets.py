"""What an import can write, and which fields each takes. docs/imports.md shows the same table."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Target:
    """Fields by name with their type: a converter of types.py, or a reference to a row.

    account, contact: by external id. user: by e-mail address. team: by name. product: by key.
    """

    name: str
    fields: Mapping[str, str]
    required: frozenset[str] = frozenset()
    # The key under which columns of one's own go, where the target has them.
    extras: str | None = None
    needs_id: bool = True
    # What facts can be compared with to find those dated before their own beginning.
    starts: frozenset[str] = field(default_factory=frozenset)


TARGETS: dict[str, Target] = {
    target.name: target
    for target in [
        Target(
            "accounts",
            {
                "name": "text",
                "domain": "text",
                "parent": "account",
                "customer_since": "date",
                "stage": "text",
                "tier": "text",
                "csm": "user",
                "team": "team",
                "at": "moment",
            },
            extras="attributes",
        ),
        Target(
            "contacts",
            {
                "account": "account",
                "role": "text",
                "name": "text",
                "email": "text",
                "title": "text",
                "phone": "text",
                "time_zone": "text",
                "at": "moment",
                "left_at": "moment",
            },
            extras="attributes",
        ),
        Target(
            "subscriptions",
            {
                "account": "account",
                "product": "product",
                "plan": "text",
                "mrr": "number",
                "currency": "text",
                "seats": "count",
                "started_on": "date",
                "renews_on": "date",
                "notice_on": "date",
                "ended_on": "date",
                "at": "moment",
            },
            required=frozenset({"account", "started_on"}),
            starts=frozenset({"account"}),
        ),
        Target(
            "tickets",
            {
                "account": "account",
                "contact": "contact",
                "product": "product",
                "subject": "text",
                "url": "text",
                "status": "text",
                "priority": "text",
                "is_escalated": "boolean",
                "at": "moment",
                "changed_at": "moment",
                "first_responded_at": "moment",
                "resolved_at": "moment",
            },
            required=frozenset({"account", "at"}),
            starts=frozenset({"account"}),
        ),
        Target(
            "surveys",
            {
                "account": "account",
                "contact": "contact",
                "kind": "text",
                "score": "count",
                "comment": "text",
                "at": "moment",
            },
            required=frozenset({"account", "kind", "score", "at"}),
            starts=frozenset({"account"}),
        ),
        Target(
            "activities",
            {
                "account": "account",
                "contact": "contact",
                "kind": "text",
                "subject": "text",
                "body": "text",
                "function": "text",
                "initiative": "text",
                "author": "user",
                "at": "moment",
            },
            required=frozenset({"account", "kind", "at"}),
            starts=frozenset({"account"}),
        ),
        Target(
            "events",
            {
                "account": "account",
                "contact": "contact",
                "name": "text",
                "product": "product",
                "value": "number",
                "at": "moment",
            },
            required=frozenset({"account", "name", "at"}),
            extras="properties",
            starts=frozenset({"account", "subscription"}),
        ),
    ]
}
# Targets of a section are written in this order, so that what others refer to is there.
ORDER = {name: position for position, name in enumerate(TARGETS)}
# References that an external id names, with what may stand in for an account.
VIA = ("subscription", "contact")
