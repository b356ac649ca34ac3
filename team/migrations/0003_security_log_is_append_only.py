from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("team", "0002_kept_answers")]
    operations = [
        migrations.RunSQL(
            """
            CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                RAISE EXCEPTION '% is append-only', TG_TABLE_NAME;
            END
            $$;
            CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON team_securityevent
            FOR EACH ROW EXECUTE FUNCTION refuse_change();
            """,
            "DROP TRIGGER append_only ON team_securityevent; DROP FUNCTION refuse_change();",
        )
    ]
