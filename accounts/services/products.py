"""What customers can buy."""

import re

from django.db import transaction

from accounts.errors import InvalidInput
from accounts.models import Product
from accounts.services.fields import clean_text

KEY = re.compile(r"[A-Za-z0-9_-]{1,60}")


@transaction.atomic
def ensure_product(*, key: str, name: str = "", product_line: str = "") -> Product:
    """Return the product of a key, made when it is new (named like its key unless told). Raises InvalidInput."""
    if not KEY.fullmatch(key):
        msg = f"product: {key!r} is no key; a key has at most 60 of a–z, 0–9, - and _."
        raise InvalidInput(msg, "product")
    defaults = {
        "name": clean_text(name or key, "name", limit=100),
        "product_line": clean_text(product_line, "product_line", limit=100),
    }
    product, _ = Product.objects.get_or_create(key=key, defaults=defaults)
    return product
