"""Fills the catalogue with the fields of this app; imported by AccountsConfig.ready()."""

from accounts.conditions import account_fields, attribute_fields, contact_fields

__all__ = ["account_fields", "attribute_fields", "contact_fields"]
