"""Where metrics read usage: the daily roll-ups, and for the past the raw events of one day too.

Nothing outside health/usage needs to know how usage is stored.
"""

_AS_OF_DAY = "(%(as_of)s AT TIME ZONE 'UTC')::date"
_RECORDED_DAY = "(%(recorded_by)s AT TIME ZONE 'UTC')::date"


def usage_source(*, live: bool) -> str:
    """Return a FROM item: (account_id, contact_id, event_type_id, day, count, value), as was known.

    Rows of whole UTC days before as_of that were recorded by recorded_by. `live` says that
    recorded_by is the present. A roll-up knows only the day on which it was recorded; for a
    recorded_by in the past the last day is therefore read from the raw events.
    """
    known = f"day < {_AS_OF_DAY} AND (is_backfill OR recorded_on < {_AS_OF_DAY})"
    columns = "account_id, contact_id, event_type_id, day, count, value"
    if live:
        return f"(SELECT {columns} FROM health_usageday WHERE {known} AND recorded_on <= {_RECORDED_DAY})"
    return (
        f"(SELECT {columns} FROM health_usageday WHERE {known} AND recorded_on < {_RECORDED_DAY}"
        " UNION ALL SELECT account_id, contact_id, event_type_id, (occurred_at AT TIME ZONE 'UTC')::date, 1,"
        " coalesce(value, 0) FROM health_usageevent"
        f" WHERE recorded_at >= {_RECORDED_DAY}::timestamp AT TIME ZONE 'UTC' AND recorded_at <= %(recorded_by)s"
        f" AND occurred_at < {_AS_OF_DAY}::timestamp AT TIME ZONE 'UTC'"
        f" AND (is_backfill OR recorded_at < {_AS_OF_DAY}::timestamp AT TIME ZONE 'UTC'))"
    )
