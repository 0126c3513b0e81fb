"""Captured publications."""

import pytest
from django.contrib.auth.models import User
from django.db import transaction

from realtime import api
from realtime.testing import Published
from realtime.testing.plugin import Connect


@pytest.mark.django_db(transaction=True)
def test_publications_are_captured(realtime_publications: list[Published]) -> None:
    first = api.publish("news", {"n": 1}, key="one")
    assert api.publish("news", {"n": 1}, key="one") == first
    with transaction.atomic():
        assert api.publish_many([("a", 1), ("news", 2)]) is None
        assert len(realtime_publications) == 1
    api.publish_to_user(7, "hello")
    assert realtime_publications == [
        Published("news", {"n": 1}, "one"),
        Published("a", 1),
        Published("news", 2),
        Published("user:7", "hello"),
    ]
    assert api.attendance("news").sessions == 0  # the store is there


async def test_publications_in_a_worker_are_captured(
    realtime_connect: Connect,
    realtime_publications: list[Published],
    user: User,
) -> None:
    await realtime_connect(user)
    position = await api.apublish("news", 1)
    assert position is not None
    assert realtime_publications == [Published("news", 1)]


def test_wrong_publications_raise_as_ever(realtime_publications: list[Published]) -> None:
    with pytest.raises(ValueError, match="expected a room"):
        api.publish("a room", 1)
    assert realtime_publications == []
