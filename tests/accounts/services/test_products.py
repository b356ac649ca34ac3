import pytest

from accounts.errors import InvalidInput
from accounts.models import Product
from accounts.services import ensure_product

pytestmark = pytest.mark.django_db


def test_ensure_product_makes_one_and_finds_it_again():
    first = ensure_product(key="crm", name="Pipeline", product_line="Sales")
    assert ensure_product(key="crm", name="Other") == first
    assert list(Product.objects.values("key", "name", "product_line")) == [
        {"key": "crm", "name": "Pipeline", "product_line": "Sales"}
    ]


def test_ensure_product_is_named_like_its_key_unless_told():
    assert ensure_product(key="crm").name == "crm"


@pytest.mark.parametrize("key", ["", "two words", "x" * 61, "a\0b"])
def test_ensure_product_refuses_what_is_no_key(key):
    with pytest.raises(InvalidInput, match="is no key"):
        ensure_product(key=key)
