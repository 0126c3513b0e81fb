"""The tests of a project."""

from django.contrib.auth.models import User
from django.test import TransactionTestCase

from realtime import api
from realtime.testing import (
    Clock,
    Published,
    WorkerMixin,
    capture_publications,
    connect,
    stop_worker,
    turned_clock,
)
from realtime.testing.plugin import Connect


class SocketTests(WorkerMixin, TransactionTestCase):
    __test__ = False

    async def test_a_visitor_receives(self) -> None:
        ann = await User.objects.acreate(username="ann")
        async with connect(ann, rooms={"news": None}) as socket:
            frame = await socket.receive("publication")
            assert frame["room"] == "news"
            code, reason = await socket.closed()
            assert (code, reason.upper()) == (1001, "")

    async def test_time_passes(self) -> None:
        async with turned_clock() as clock:
            await clock.advance(60)
        await stop_worker()

    def test_a_publication(self) -> None:
        with capture_publications() as published:
            api.publish("news", 1)
        assert published == [Published("news", 1)]


async def with_fixtures(
    realtime_connect: Connect, realtime_clock: Clock, realtime_publications: list[Published]
) -> str:
    socket = await realtime_connect(None, rooms=["news"])
    await realtime_clock.advance(1.5)
    return f"{socket.welcome['user']} {realtime_publications[0].room}"
