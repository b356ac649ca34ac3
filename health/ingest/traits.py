"""What identify and group calls say, as fields of contacts and accounts. Pure."""

import re
from typing import Any

MAX_TEXT = 1000
ATTRIBUTE_KEY = re.compile(r"[a-z][a-z0-9_]{0,59}")
CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
NO_WORD = re.compile(r"[^A-Za-z0-9]+")
HOST = re.compile(r"^(?:[a-z][a-z0-9+.-]*://)?(?:www\.)?([^/?#\s:]+)", re.IGNORECASE)

CONTACT_COLUMNS = {
    "name": "name",
    "fullname": "name",
    "email": "email",
    "phone": "phone",
    "title": "title",
    "jobtitle": "title",
    "timezone": "time_zone",
}
CONTACT_IGNORED = {
    *("id", "userid", "anonymousid", "avatar", "address", "birthday", "age", "gender", "username"),
    *("firstname", "lastname", "company", "description"),
}
ACCOUNT_COLUMNS = {"name": "name", "website": "domain", "domain": "domain", "customersince": "customer_since"}
ACCOUNT_IGNORED = {"id", "groupid", "avatar", "logo", "address", "email", "phone"}
# Words that mean something of ours, and maybe something else in the product that sends them.
ACCOUNT_BUILTIN = {"stage", "tier", "csm", "team"}


def contact_fields(traits: dict[str, Any]) -> dict[str, Any]:
    """Return what to change of a contact: columns and `attributes`; None clears, absent keeps."""
    fields = _fields(traits, CONTACT_COLUMNS, CONTACT_IGNORED)
    if "name" not in fields:
        parts = {_squashed(key): value for key, value in traits.items()}
        names = [parts[key] for key in ("firstname", "lastname") if isinstance(parts.get(key), str) and parts[key]]
        if names:
            fields["name"] = " ".join(names)
    return fields


def account_fields(traits: dict[str, Any]) -> dict[str, Any]:
    """Return what to change of an account; a name cannot be cleared."""
    fields = _fields(traits, ACCOUNT_COLUMNS, ACCOUNT_IGNORED)
    if "name" in fields and not fields["name"]:
        del fields["name"]
    if isinstance(fields.get("domain"), str):
        host = HOST.match(fields["domain"].strip())
        fields["domain"] = host[1].lower() if host else ""
    attributes = fields.get("attributes", {})
    for key in ACCOUNT_BUILTIN & attributes.keys():
        attributes[f"trait_{key}"] = attributes.pop(key)
    return fields


def snake(key: str) -> str:
    """`planTier`, `Plan Tier` and `plan_tier` are one trait."""
    return NO_WORD.sub("_", CAMEL.sub("_", key)).strip("_").lower()


def _fields(traits: dict[str, Any], columns: dict[str, str], ignored: set[str]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    attributes: dict[str, Any] = {}
    for key, value in traits.items():
        squashed = _squashed(key)
        if squashed in ignored or not _is_kept(value):
            continue
        if squashed in columns:
            fields[columns[squashed]] = str(value) if isinstance(value, int | float) else value
        elif ATTRIBUTE_KEY.fullmatch(snake(key)):
            attributes[snake(key)] = value
    if attributes:
        fields["attributes"] = attributes
    return fields


def _squashed(key: str) -> str:
    return NO_WORD.sub("", key).lower()


def _is_kept(value: object) -> bool:
    """Attributes are single values: lists, objects and essays are not kept."""
    return value is None or isinstance(value, int | float) or (isinstance(value, str) and len(value) <= MAX_TEXT)
