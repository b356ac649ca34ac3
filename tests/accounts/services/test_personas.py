import pytest

from accounts.errors import InvalidInput
from accounts.services import create_persona

pytestmark = pytest.mark.django_db


def test_create_persona_keeps_what_success_means():
    persona = create_persona(name=" Analyst ", definition_of_success="Numbers before nine.", position=2)
    assert (persona.name, persona.definition_of_success, persona.position) == ("Analyst", "Numbers before nine.", 2)


@pytest.mark.parametrize("name", ["", "x" * 81, "ANALYST"])
def test_create_persona_refuses_a_name_that_is_empty_too_long_or_taken(name):
    create_persona(name="Analyst")
    with pytest.raises(InvalidInput) as refused:
        create_persona(name=name)
    assert refused.value.field == "name"
