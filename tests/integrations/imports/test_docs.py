"""The examples of docs/imports.md are true."""

import re
from pathlib import Path

import pytest

from accounts.models import Account, Contact
from health.models import UsageEvent
from integrations.imports.cleaning import CLEANERS
from integrations.imports.conditions import OPERATORS
from integrations.imports.mapping import parse_mapping
from integrations.imports.services import plan_import, run_import
from integrations.imports.targets import TARGETS
from integrations.imports.types import CONVERTERS
from integrations.imports.values import AGGREGATES

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "imports.md").read_text()
(EXAMPLE,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
CUSTOMERS = """number,company,website,since,size,industry,staff,e-mail,first name,last name
1,Corvholt Foods,corvholt.example,01-02-2024,M,Food,120,ada@corvholt.example,Ada,Berg
2,Tarnwick Parts,,02-02-2024,S,,,,,
"""
ORDERS = """invoice,customer,date,quantity,price
A1,1.0,05-03-2024 10:00,2,1.50
A2,,05-03-2024,1,9
A1,1.0,05-03-2024 10:00,1,4
"""


@pytest.mark.django_db
def test_example_imports(tmp_path):
    (tmp_path / "customers.csv").write_text(CUSTOMERS)
    (tmp_path / "orders_2024.csv").write_text(ORDERS)
    mapping = parse_mapping(EXAMPLE, name="example")
    report = run_import(mapping, plan_import(mapping, [tmp_path / "customers.csv", tmp_path / "orders_2024.csv"]))
    assert report.errors == {}
    assert sorted(Account.objects.values_list("name", "tier", "attributes")) == [
        ("Corvholt Foods", "growth", {"industry": "Food", "employees": 120}),
        ("Tarnwick Parts", "starter", {}),
    ]
    assert Contact.objects.get().name == "Ada Berg"
    event = UsageEvent.objects.get()
    assert (event.value, event.properties) == (7.0, {"lines": 2})
    assert report.sections[1].skipped == {"no customer": 1}


def test_every_key_is_on_the_page():
    words = set(re.findall(r"[\w]+", PAGE))
    fields = {field for target in TARGETS.values() for field in target.fields}
    assert {*TARGETS, *fields, *CLEANERS, *OPERATORS, *CONVERTERS, *AGGREGATES} <= words


def test_every_code_is_on_the_page():
    package = Path(__file__).resolve().parents[3] / "integrations" / "imports"
    codes = set()
    for file in package.glob("*.py"):
        codes |= set(re.findall(r'(?:BadValue|Problem)\(\s*"(\w+)"', file.read_text()))
    assert len(codes) > 15
    assert {code for code in codes if f"`{code}`" not in PAGE} == set()
