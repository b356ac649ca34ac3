"""An account has a main score of each kind, not of health alone."""

from django.db import migrations, models

KEEP = """
UPDATE health_currentscore c SET main_of = k.kind FROM health_scorecard k WHERE k.id = c.scorecard_id AND c.is_main
"""
BACK = "UPDATE health_currentscore SET is_main = (main_of = 'health') IS TRUE"
STAMPS = """
DROP TRIGGER stamp_change ON health_currentscore;
CREATE TRIGGER stamp_change BEFORE UPDATE ON health_currentscore FOR EACH ROW
    WHEN ((OLD.score, OLD.band, OLD.confidence, OLD.version_id, OLD.{main}, OLD.previous_score, OLD.deleted_at)
        IS DISTINCT FROM
        (NEW.score, NEW.band, NEW.confidence, NEW.version_id, NEW.{main}, NEW.previous_score, NEW.deleted_at))
    EXECUTE FUNCTION stamp_change();
"""


class Migration(migrations.Migration):
    dependencies = [("health", "0005_alerts")]

    operations = [
        migrations.AddField(
            model_name="currentscore",
            name="main_of",
            field=models.CharField(
                choices=[("health", "Health"), ("success", "Success"), ("happiness", "Happiness")],
                help_text="The kind of score it is for the account where one of a kind is shown; null: another one is.",
                max_length=9,
                null=True,
            ),
        ),
        migrations.RunSQL(KEEP, BACK),
        migrations.RunSQL(STAMPS.format(main="main_of"), STAMPS.format(main="is_main")),
        migrations.RemoveConstraint(model_name="currentscore", name="main_score_once"),
        migrations.RemoveField(model_name="currentscore", name="is_main"),
        migrations.AddConstraint(
            model_name="currentscore",
            constraint=models.UniqueConstraint(fields=("account", "main_of"), name="main_score_once"),
        ),
    ]
