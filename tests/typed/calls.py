"""Calls of the api, and receivers of signals."""

from typing import Any

from django.contrib.auth.models import User
from django.dispatch import receiver
from django.http import HttpRequest, JsonResponse

from realtime import api
from realtime.signals import room_joined, session_closed


def ban(request: HttpRequest, user: User) -> JsonResponse:
    kicked: int = api.kick_user(user, code=4503, reason="your account is closed")
    agents = [session.peer.agent for session in api.sessions_of(user)]
    for session in api.iter_sessions(room="news", state="connected"):
        api.kick(session.id)
    position = api.publish("news", {"banned": user.pk}, key=f"ban-{user.pk}")
    offset = None if position is None else position.offset
    positions = api.publish_many([("news", 1), ("other", [2])])
    latency: float | None = api.stats().latency_p95
    return JsonResponse([kicked, agents, offset, positions and len(positions), latency], safe=False)


async def announce(user: User) -> list[str]:
    await api.apublish_to_user(user, {"hello": user.username})
    here = await api.apresence("news", limit=10)
    counts = await api.aattendance("news")
    assert counts.users <= counts.sessions
    found = [session.id async for session in api.aiter_sessions(user=user)]
    return found + [session.worker for session in here]


async def page(room: str) -> dict[str, str]:
    known, late = api.position(room), await api.aposition(room)
    offset: int = known.offset if isinstance(known, api.Position) else 0
    return {"since": str(known), "late": str(late), "next": str(offset + 1)}


@receiver(session_closed)
def note(sender: Any, session: Any, code: int, reason: str, **kwargs: Any) -> None:
    api.publish("log", {"user": session.peer.username, "code": code, "reason": reason})


@receiver(room_joined)
def greet(sender: Any, session: Any, room: str, **kwargs: Any) -> None:
    api.publish(room, f"{session.peer.username} is here")
