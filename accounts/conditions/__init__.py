"""Conditions: one JSON tree that asks something about accounts or contacts.

    {"all": [ {"field": "stage", "op": "any_of", "value": ["onboarding"]},
              {"not": {"field": "arr", "op": "lt", "value": 10000}},
              {"contacts": "any", "where": {"field": "role", "op": "any_of", "value": ["champion"]}} ]}

Three-valued: unknown never matches, `not` of unknown stays unknown, and "unknown"/"known" are
operators. docs/conditions.md has the format, operators and examples.

    validate(tree)                          raises a ConditionError that says where and how to mend it
    filter_accounts(queryset, tree, moment) narrows a queryset of accounts, in the one query
    matching_sql(tree, moment)              SQL yielding the ids of what matches
    explain(tree, account.pk, moment)       why one account matches or not, leaf by leaf
    describe(tree)                          a sentence
    register_field(…), register_family(…)   what upper apps call in ready(); see catalogue.py
"""

from accounts.conditions.catalogue import (
    Catalogue,
    Field,
    FieldType,
    Param,
    register_family,
    register_field,
)
from accounts.conditions.compiler import filter_accounts, filter_contacts, matching_ids, matching_sql
from accounts.conditions.describe import describe
from accounts.conditions.errors import ConditionError
from accounts.conditions.explain import Explanation, explain, explain_many
from accounts.conditions.moment import Moment, Sql
from accounts.conditions.parse import validate

__all__ = [
    "Catalogue",
    "ConditionError",
    "Explanation",
    "Field",
    "FieldType",
    "Moment",
    "Param",
    "Sql",
    "describe",
    "explain",
    "explain_many",
    "filter_accounts",
    "filter_contacts",
    "matching_ids",
    "matching_sql",
    "register_family",
    "register_field",
    "validate",
]
