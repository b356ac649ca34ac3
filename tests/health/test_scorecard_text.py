"""Scorecards as YAML: exactly there and back, and refused where something would be lost."""

import io

import pytest
from django.core.management import CommandError, call_command
from hypothesis import given
from hypothesis import strategies as st

from accounts.errors import InvalidInput
from health.models import Scorecard, ScorecardDraft
from health.scorecard_text import read_text, write_text
from health.scorecards import read_card
from health.services import publish_version
from health.services.scorecards import STARTERS
from tests.conftest import NOW
from tests.factories import PersonaFactory, ProductFactory
from tests.health.cards import CONFIG, make_scorecard

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**12), 10**12) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text("aZ0 .:#-'\"é…{[&*!%@|>?~\n\t", max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["key", "curve", "params"]), inner),
    max_leaves=6,
)  # fmt: skip


@given(st.dictionaries(st.sampled_from(["bands", "children", "limits", "applies_to", "x"]), PLAIN))
def test_any_configuration_reads_back_exactly(config):
    read = read_text(write_text(name="A: #b", kind="success", config=config, note="Why? “so”"))
    assert (read.name, read.kind, read.note) == ("A: #b", "success", "Why? “so”")
    assert read.config == config
    assert repr(sorted(read.config.items(), key=str)) == repr(sorted(config.items(), key=str))


@pytest.mark.django_db
def test_a_version_reads_back_with_the_same_hash_and_reads_well():
    condition = {"field": "tier", "op": "any_of", "value": ["growth"]}
    limits = [{"key": "grave", "label": "Grave", "metric": "escalated_tickets", "is": "at_least", "value": 1,
               "then": "cap", "score": 39.99}]  # fmt: skip
    card = make_scorecard(config={**CONFIG, "limits": limits}, applies_to=condition)
    text = write_text(name="Health", kind="health", config=card.version.config)
    assert "curve: [[0, 0], [100, 100]]" in text
    assert "bands: {green: 70, yellow: 40}" in text
    read = read_text(text)
    assert read.config == card.version.config
    assert publish_version(scorecard=card, config=read.config, now=NOW) == card.version


@pytest.mark.django_db
def test_personas_and_products_travel_by_name():
    persona, product = PersonaFactory(name="Admins"), ProductFactory(name="Core")
    node = {"key": "a", "label": "A", "metric": "active_days", "curve": [[0, 0], [1, 1]]}
    config = {"children": [{**node, "scope": {"persona": persona.pk, "product": product.pk, "role": "champion"}}]}
    text = write_text(name="H", kind="health", config=config)
    assert "scope: {persona: Admins, product: Core, role: champion}" in text
    assert read_text(text).config == config
    with pytest.raises(InvalidInput, match="There is no persona “Boss” here; create it first, or remove the limit"):
        read_text(text.replace("Admins", "Boss"))


@pytest.mark.parametrize("kind", ["health", "success", "happiness"])
def test_the_starters_read_and_are_right(kind):
    read = read_text((STARTERS / f"{kind}.yaml").read_text())
    assert (read.name.lower(), read.kind) == (kind, kind)
    assert read_card(read.config).measures


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [1", "This is no YAML that can be read: expected ',' or ']', but got '<stream end>' (line 1)."),
        ("- 1", "A scorecard is a set of names and values, such as “children:”."),
        ("", "A scorecard is a set of names and values, such as “children:”."),
        ("a: 1\na: 2", "This is no YAML that can be read: the name 'a' stands twice (line 2)."),
        ("a: &x [1]\nb: *x", "This is no YAML that can be read: references with * are not taken (line 2)."),
        ("kind: luck", "The kind is one of health, success, happiness, not 'luck'."),
        ("a: !!python/object:os.system x", "could not determine a constructor"),
        ("a: \x00", "This is no YAML that can be read"),
        ("a: !!bool maybe", "This is no YAML that can be read: a !!tag does not fit its value."),
        ("a: !!int ''", "This is no YAML that can be read: a !!tag does not fit its value."),
        ("a: !!timestamp x", "This is no YAML that can be read: a !!tag does not fit its value."),
        ('name: "\\ud800"', "The name or note holds a NUL character or half of a character; remove it."),
        ('a: {scope: {persona: "\\0"}}', "There is no persona"),
        ("a" * 500_001, "The text is longer than 500000 characters."),
    ],
)
def test_text_that_is_refused(text, message):
    with pytest.raises(InvalidInput) as error:
        read_text(text)
    assert message in error.value.message
    assert error.value.field == "text"


# --- The command ---------------------------------------------------------------------------------


def run(*arguments):
    out = io.StringIO()
    call_command("scorecard", *arguments, stdout=out)
    return out.getvalue()


@pytest.mark.django_db
def test_command_exports_and_imports(tmp_path):
    card = make_scorecard()
    publish_version(scorecard=card, config={**CONFIG, "minimum_confidence": 1}, now=NOW)
    file = tmp_path / "health.yaml"
    file.write_text(run("export", "Health", "--version-number", "1"))
    assert "minimum_confidence: 1" in run("export", "Health").splitlines()
    assert run("import", str(file)).startswith("Made draft ")
    draft = ScorecardDraft.objects.get()
    assert (draft.scorecard, draft.config["minimum_confidence"]) == (card, 40)
    assert run("import", str(file), "--publish", "As it was") == "Published version 3 of Health.\n"
    card.refresh_from_db()
    assert (card.version.note, card.version.hash) == ("As it was", card.versions.get(number=1).hash)


@pytest.mark.django_db
def test_command_import_of_a_new_scorecard_and_of_one_with_problems(tmp_path):
    file = tmp_path / "new.yaml"
    file.write_text("name: New\nkind: success\nchildren: []\n")
    told = run("import", str(file))
    assert "To mend: There is nothing to measure yet: add a measure, or a group of them." in told
    with pytest.raises(CommandError, match="There is nothing to measure yet"):
        run("import", str(file), "--publish", "Now")
    assert (Scorecard.objects.count(), ScorecardDraft.objects.count()) == (0, 1)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["export", "Luck"], "There is no scorecard 'Luck'; there are: Health."),
        (["export", "Health", "--version-number", "9"], "Health has no version 9."),
        (["import", "/nowhere.yaml"], "cannot be read"),
    ],
)
def test_command_says_what_is_wrong(arguments, message):
    make_scorecard()
    with pytest.raises(CommandError, match=message):
        run(*arguments)
