"""The value of an account's attribute as a metric."""

from accounts.models.times import VISIBLE
from health.metrics.query import TODAY, Column, Query, quote
from health.metrics.registry import Metric, MetricUse, Parameter, register


def _attribute(query: Query, use: MetricUse) -> Column:
    newest = query.rows(
        "SELECT DISTINCT ON (v.account_id) v.account_id, v.occurred_at, jsonb_typeof(v.value) AS type,"
        " v.value #>> '{}' AS value FROM accounts_attributevalue v"
        " JOIN accounts_attributedefinition d ON d.id = v.definition_id AND d.entity = 'account'"
        f" AND d.key = {quote(use['attribute'])}"
        f" WHERE {VISIBLE.format(t='v')} AND v.account_id IS NOT NULL AND {query.accounts.holds('v.account_id')}"
        " ORDER BY v.account_id, v.occurred_at DESC, v.id DESC"
    )
    # One row per account, so that any aggregate returns it.
    kind, text = newest.column("min(r.type)"), newest.column("min(r.value)")
    value = (
        f"CASE WHEN {kind} = 'number' THEN ({text})::float8"
        f" WHEN {kind} = 'boolean' THEN (({text})::boolean)::int"
        f" WHEN {text} ~ '^\\d{{4}}-\\d\\d-\\d\\d$' THEN {TODAY} - ({text})::date END"
    )
    return Column(value, newest.column("max(r.occurred_at)"))


register(
    Metric(
        "attribute", "Attribute", "", "Attributes",
        "A number attribute as it is, yes or no as 1 or 0, a date as the days since it (below 0: still to come).",
        "The attribute has no value, or one that is no number, date, or yes or no.", _attribute,
        (Parameter("attribute", "Attribute", "key", is_required=True),),
    )
)  # fmt: skip
