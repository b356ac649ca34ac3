import pytest
from django.urls import reverse

from accounts.models import Contact, Membership, Sentiment
from tests.factories import AccountFactory, MembershipFactory, PersonaFactory, TeamFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def csm(client):
    user = UserFactory()
    client.force_login(user)
    return user


def test_add_contact_with_role_and_persona(client, csm):
    account, persona = AccountFactory(), PersonaFactory()
    values = {"name": "Priya Nair", "email": "Priya@acme.example", "role": "champion", "persona": persona.pk}
    response = client.post(reverse("contact_add", args=[account.pk]), values)
    assert response["Location"] == reverse("account_people", args=[account.pk])
    contact = Contact.objects.get()
    assert (contact.email, contact.persona, contact.memberships.get().role) == (
        "priya@acme.example",
        persona,
        "champion",
    )


def test_add_contact_keeps_what_was_typed(client, csm):
    values = {"name": "Priya Nair", "email": "nonsense", "role": "champion"}
    response = client.post(reverse("contact_add", args=[AccountFactory().pk]), values)
    assert response.status_code == 422
    assert "Priya Nair" in response.content.decode()
    assert not Contact.objects.exists()


def test_change_contact_moves_the_role(client, csm):
    membership = MembershipFactory()
    url = reverse("contact_change", args=[membership.account_id, membership.pk])
    client.post(url, {"name": "New name", "role": "admin"})
    assert Contact.objects.get().name == "New name"
    assert Membership.objects.get(until=None).role == "admin"


def test_contact_left_ends_the_membership(client, csm):
    membership = MembershipFactory()
    url = reverse("contact_left", args=[membership.account_id, membership.pk])
    assert client.get(url).status_code == 405
    client.post(url)
    membership.refresh_from_db()
    assert membership.until is not None
    assert client.post(url).status_code == 404


def test_give_sentiment(client, csm):
    account = AccountFactory()
    client.post(reverse("sentiment_give", args=[account.pk]), {"level": "2", "note": "Champion gone quiet"})
    sentiment = Sentiment.objects.get()
    assert (sentiment.level, sentiment.user, sentiment.note) == (2, csm, "Champion gone quiet")
    assert client.post(reverse("sentiment_give", args=[account.pk]), {"level": "9"}).status_code == 422


@pytest.mark.parametrize("name", ["contact_add", "sentiment_give"])
def test_viewers_are_refused_and_hidden_accounts_are_not_there(client, name):
    client.force_login(UserFactory(access_level="viewer"))
    assert client.post(reverse(name, args=[AccountFactory().pk])).status_code == 403
    client.force_login(UserFactory())
    assert client.post(reverse(name, args=[AccountFactory(team=TeamFactory()).pk])).status_code == 404
