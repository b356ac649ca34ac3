import pytest

from integrations.imports.errors import MappingError
from integrations.imports.mapping import MAPPINGS, load_mapping, parse_mapping

GOOD = """
system: shop
backfill: true
time_zone: Europe/London
sections:
  orders:
    files: "orders*.csv"
    skip:
      - when: {customer: {empty: true}}
        reason: no customer
    events:
      group_by: invoice
      name: {constant: Order placed}
      account: {id: customer, system: crm}
      at: date
      value: {sum: {product: [quantity, price]}}
      properties:
        lines: {count: true}
    accounts:
      id: customer
      name: {template: "Customer {customer}"}
"""


def test_mapping_reads_what_it_says():
    mapping = parse_mapping(GOOD, name="shop")
    (section,) = mapping.sections
    assert (mapping.system, mapping.is_backfill) == ("shop", True)
    assert section.patterns == ("orders*.csv",)
    assert str(section.style.time_zone) == "Europe/London"
    # Accounts come first, whatever their place in the file: events refer to them.
    assert [rule.target.name for rule in section.rules] == ["accounts", "events"]
    events = section.rules[1]
    assert events.is_grouped
    assert {field.name: (field.kind, field.source.how) for field in events.fields} == {
        "account": ("account", "first"),
        "name": ("text", "first"),
        "value": ("number", "sum"),
        "at": ("moment", "first"),
        "lines": ("text", "count"),
    }
    assert [field.system for field in events.fields if field.name == "account"] == ["crm"]
    assert section.columns() == {"customer", "invoice", "date", "quantity", "price"}


@pytest.mark.parametrize("path", sorted(MAPPINGS.glob("*.yaml")), ids=lambda path: path.stem)
def test_mapping_that_comes_along_is_valid(path):
    mapping = load_mapping(path.stem)
    assert mapping.name == load_mapping(str(path)).name == path.stem


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("system: shop\n", "", "`system` is missing"),
        ("sections:", "sectoins:", "unknown key 'sectoins'; did you mean 'sections'"),
        ("backfill: true", "backfill: yes", "backfill: true or false"),
        ("Europe/London", "Europe/Lindon", "sections.orders.time_zone: 'Europe/Lindon' is no time zone"),
        ("    files:", "    delimiter: ';;'\n    files:", "sections.orders.delimiter: one character"),
        ("    files:", "    encoding: utf-9\n    files:", "sections.orders.encoding: 'utf-9' is no encoding"),
        ("    files:", "    decimal: x\n    files:", "sections.orders.decimal: `.` or `,`"),
        ("    files:", "    date_formats: D-M-Y\n    files:", "'D-M-Y' is no date format"),
        ("    files:", "    clean: {customer: polish}\n    files:", "there is no clean-up 'polish'"),
        ("        reason: no customer\n", "", r"sections.orders.skip\[0\]: `reason` is missing"),
        ("      group_by: invoice\n", "", "needs a `group_by` beside it"),
        ("group_by: invoice", "group_by: invoice\n      id: invoice", "give `group_by` or `id`"),
        ("      at: date\n", "", "sections.orders.events: events need `at`"),
        ("at: date", "when: date\n      at: date", "sections.orders.events.when: a condition names columns"),
        ("at: date", "att: date", "unknown key 'att'; did you mean 'at'"),
        ("at: date", "at: {constant: soon}", "sections.orders.events.at: 'soon' is not a date"),
        ("at: date", "at: date\n      not_before: subscription", "needs an account named through one"),
        ("at: date", "at: date\n      not_before: contact", "`not_before` of events can be account, subscription"),
        ("lines: {count: true}", "lines: {column: n, type: money}", "'money' is no type; the types are text"),
        ("      id: customer\n", "", "sections.orders.accounts: `id` is missing"),
    ],
)
def test_mapping_with_a_mistake_is_refused_where_it_is(old, new, message):
    assert old in GOOD
    with pytest.raises(MappingError, match=message):
        parse_mapping(GOOD.replace(old, new, 1), name="shop")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected keys and values here, found nothing"),
        ("- a\n- b", "expected keys and values here, found list"),
        ("a: [", "line 1, column 5"),
        ("system: a\nsystem: b", "line 2, column 1: the key 'system' is here twice"),
        ("system: a\nsections: {}", "sections: expected keys and values here, found nothing"),
        ("system: a\nsections: {s: {files: x}}", "a section needs at least one of accounts, contacts"),
        ("system: a\nsections: {s: {accounts: {id: x}}}", "sections.s: `files` is missing"),
        ("? [a]\n: b", "a key must be a text"),
        ("system: &a [*a]\nsections: {s: {files: x}}", "system: expected a text here|at least one of"),
        ("a: \x00", "special characters are not allowed|not YAML"),
    ],
)
def test_text_that_is_no_mapping_is_refused(text, message):
    with pytest.raises(MappingError, match=message):
        parse_mapping(text, name="x")


def test_yaml_keeps_dates_and_no_as_text():
    mapping = parse_mapping(
        "system: a\nsections: {s: {files: x, skip: [{when: {c: no}, reason: 2024-01-02}], accounts: {id: i}}}", name="x"
    )
    (skip,) = mapping.sections[0].skips
    assert skip.reason == "2024-01-02"
    assert skip.when.bind({"c": 0})(["no"])


def test_missing_mapping_names_those_that_come_along():
    with pytest.raises(MappingError, match=r"There is no mapping 'nothing': .* online_retail, ravenstack"):
        load_mapping("nothing")


def test_mapping_that_is_not_text_is_refused(tmp_path):
    path = tmp_path / "m.yaml"
    path.write_bytes(b"\xff\xfe\xfa")
    with pytest.raises(MappingError, match="cannot be read"):
        load_mapping(str(path))
