"""The fixtures that projects use, and a user."""

import pytest
from django.contrib.auth.models import User

from realtime.testing.plugin import (  # noqa: F401
    realtime_clock,
    realtime_connect,
    realtime_publications,
    realtime_worker,
)


@pytest.fixture
def user(transactional_db: None) -> User:
    return User.objects.create_user("ann")
