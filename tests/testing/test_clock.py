"""A clock to turn."""

from typing import Any

import pytest
from django.contrib.auth.models import User

from realtime import signals
from realtime.models import ClosedSession
from realtime.testing import Clock, turned_clock
from realtime.testing.plugin import Connect


async def test_time_passes_for_a_session(
    realtime_connect: Connect,
    realtime_clock: Clock,
    user: User,
) -> None:
    alive, silent = await realtime_connect(user), await realtime_connect(user, answer_pings=False)
    ended: list[tuple[str, int]] = []

    def note(session: Any, code: int, **_: Any) -> None:
        ended.append((session.id, code))

    signals.session_closed.connect(note)
    try:
        await realtime_clock.advance(60)
        assert (await silent.closed())[0] == 4002
        assert ended == []
        await realtime_clock.advance(150)  # the resume window is over
        assert ended == [(silent.welcome["session"], 4002)]
    finally:
        signals.session_closed.disconnect(note)
    assert len(alive.frames) > 8  # pings, all answered
    assert await ClosedSession.objects.acount() == 1


async def test_the_clock_of_redis_cannot_be_turned(settings: Any) -> None:
    settings.REALTIME = {"STORE": "redis://127.0.0.1:1/0"}
    with pytest.raises(RuntimeError, match="expected sessions in the database"):
        async with turned_clock():
            pass
