"""A program with the Python client."""

import logging
from datetime import datetime

from realtime.client import (
    Backoff,
    ClientError,
    Disconnected,
    IncomingMessage,
    Position,
    Presence,
    PresentUser,
    RealtimeClient,
    RequestFailed,
    Resync,
    RoomHandle,
    SendFailed,
)

log = logging.getLogger(__name__)


async def token() -> str:
    return "a token"


async def main(cookie: str) -> None:
    patient = Backoff(cap=60, max_attempts=100)
    async with RealtimeClient("wss://example.com/ws/", auth=token, backoff=patient) as client:
        room: RoomHandle = client.room("chat:lobby", since="k3:41")
        await room.joined()
        try:
            position: Position | None = await room.send({"text": "good morning"})
            await answer(client, room.position or position)
        except SendFailed as error:
            log.info("%s", [error.code, error.detail])
        await client.send_bytes(b"\x00")
        async for data in client.binary():
            log.info("%s", [len(data)])
    async with RealtimeClient("wss://example.com/ws/", headers={"Cookie": cookie}) as other:
        user: str | None = other.user
        log.info("%s", [user, other.session, other.private_room, other.connected])
        try:
            await other.wait_closed()
        except Disconnected as end:
            code: int = end.code
            log.info("%s", [code, end.reason])


async def answer(client: RealtimeClient, since: Position | None) -> None:
    room = client.room("questions", since, rewind=0 if since else 10)
    try:
        async for message in room:
            show(message)
            async for word in client.request("assistant.ask", message.data, timeout=5.0):
                log.info("%s", [word])
            log.info("%s", [await client.request("orders.price", {"id": 7})])
    except Resync as gap:
        log.info("%s", [gap.reason, gap.initial, str(gap.position)])
    except RequestFailed as error:
        log.info("%s", [error.code])
    except ClientError:
        room.close()


async def follow(room: RoomHandle) -> None:
    async for presence in room.presence():
        show_users(presence)


def show_users(presence: Presence) -> None:
    users: tuple[PresentUser, ...] = presence.list or presence.joined
    left: tuple[str, ...] = presence.left
    log.info("%s", [presence.users, presence.sessions, left, [one.user for one in users]])


def show(message: IncomingMessage) -> None:
    time: datetime = message.time
    offset: int = message.offset
    replayed: bool = message.replayed
    log.info("%s", [time, offset, replayed, message.position.epoch])
