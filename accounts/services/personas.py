"""Personas: types of contacts, each with its own definition of success."""

from django.db import transaction

from accounts.errors import InvalidInput
from accounts.models import Persona
from accounts.services.fields import clean_text


@transaction.atomic
def create_persona(*, name: str, definition_of_success: str = "", position: int = 0) -> Persona:
    """Create a persona; where several match a contact, the lowest position wins. Raises InvalidInput."""
    name = clean_text(name, "name", limit=80, required=True)
    if Persona.objects.filter(name__iexact=name).exists():
        raise InvalidInput(f"There is already a persona {name}.", "name")
    text = clean_text(definition_of_success, "definition_of_success")
    return Persona.objects.create(name=name, definition_of_success=text, position=position)
