"""A row whose memberships, participants or external ids change has changed: it takes a new position."""

from django.db import migrations

# Rows that this transaction has stamped already need no second stamp.
NOT_STAMPED = """change_xid <> pg_current_xact_id()::text::bigint
    + coalesce((SELECT max(xid_offset) FROM team_changeoffset), 0)"""

FUNCTIONS = f"""
CREATE FUNCTION touch_rows() RETURNS trigger LANGUAGE plpgsql AS $$
-- TG_ARGV: the table whose rows show what changed, and the column that names them.
BEGIN
    EXECUTE format(
        'UPDATE %I SET row_version = row_version + 1 WHERE id IN (SELECT %I FROM changed) AND {NOT_STAMPED}',
        TG_ARGV[0], TG_ARGV[1]
    );
    RETURN NULL;
END
$$;
CREATE FUNCTION touch_named_rows() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    named text;
BEGIN
    FOR named IN SELECT DISTINCT entity FROM changed LOOP
        EXECUTE format(
            'UPDATE %I SET row_version = row_version + 1'
            ' WHERE id IN (SELECT object_id FROM changed WHERE entity = %L) AND {NOT_STAMPED}',
            'accounts_' || replace(named, '_', ''), named
        );
    END LOOP;
    RETURN NULL;
END
$$;
"""
DROP_FUNCTIONS = "DROP FUNCTION touch_rows(); DROP FUNCTION touch_named_rows();"

TOUCHES = {
    "accounts_membership": "touch_rows('accounts_contact', 'contact_id')",
    "accounts_activity_contacts": "touch_rows('accounts_activity', 'activity_id')",
    "accounts_externalid": "touch_named_rows()",
}


def touch(table, function):
    seen = {"INSERT": "NEW", "UPDATE": "NEW", "DELETE": "OLD"}
    return migrations.RunSQL(
        "".join(
            f"CREATE TRIGGER touch_on_{event.lower()} AFTER {event} ON {table}"
            f" REFERENCING {side} TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION {function};"
            for event, side in seen.items()
        ),
        "".join(f"DROP TRIGGER touch_on_{event.lower()} ON {table};" for event in seen),
    )


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_lists")]

    operations = [
        migrations.RunSQL(FUNCTIONS, DROP_FUNCTIONS),
        *[touch(table, function) for table, function in TOUCHES.items()],
    ]
