import pytest

from tests.factories import UserFactory


@pytest.fixture
def admin(client, db):
    user = UserFactory(access_level="admin", name="Ada")
    client.force_login(user)
    return user
