"""Follows rooms: ``python -m realtime.client wss://example.com/ws/ --room chat:lobby``.

Prints a line of JSON for each publication, until it is interrupted.
"""

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Sequence

from realtime.protocol.position import MAX_REWIND
from realtime.protocol.rooms import is_room

from . import ClientError, IncomingMessage, Position, RealtimeClient, Resync, RoomHandle
from .dialling import check_url


def parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    command = argparse.ArgumentParser(
        prog="python -m realtime.client",
        description="Follow rooms: a line of JSON for each publication.",
        epilog="An argument @FILE stands for the lines of a file, one argument each: keep cookies "
        "and tokens there, where no other user sees them.",
        fromfile_prefix_chars="@",
    )
    add = command.add_argument
    add("url", type=address, help="of the server, such as wss://example.com/ws/")
    add("--room", type=room, action="append", required=True, help="may be given repeatedly")
    start = command.add_mutually_exclusive_group()
    start.add_argument("--since", type=Position.parse, help="begin after this, such as k3:41")
    start.add_argument("--rewind", type=rewind, default=0, help="begin with the last so many")
    add("--auth", metavar="TOKEN", help="of a login")
    text = "of the handshake, such as Cookie; may be given repeatedly"
    add("--header", type=header, action="append", default=[], metavar="NAME:VALUE", help=text)
    return command


def address(text: str) -> str:
    """The URL of a WebSocket. Raises ValueError."""
    check_url(text)
    return text


def room(text: str) -> str:
    """The name of a room. Raises ValueError."""
    if not is_room(text):
        raise ValueError
    return text


def rewind(text: str) -> int:
    """A number of publications. Raises ValueError."""
    if not 1 <= int(text) <= MAX_REWIND:
        raise ValueError
    return int(text)


def header(text: str) -> tuple[str, str]:
    """Name and value of a header. Raises ValueError."""
    name, value = text.split(":", 1)
    return name.strip(), value.strip()


async def follow(handle: RoomHandle) -> None:
    """Print the publications of a room. Raises RoomLost, Behind and Disconnected."""
    while True:
        try:
            async for message in handle:
                write(handle.name, message)
        except Resync as gap:
            sys.stderr.write(f"{handle.name}: publications are missing: {gap.reason}\n")
        else:
            return


def write(name: str, message: IncomingMessage) -> None:
    """Print a publication of a room."""
    line = {
        "room": name,
        "position": str(message.position),
        "time": message.time.isoformat(timespec="milliseconds"),
        "replayed": message.replayed,
        "data": message.data,
    }
    sys.stdout.write(json.dumps(line, ensure_ascii=False) + "\n")
    sys.stdout.flush()


async def run(arguments: argparse.Namespace) -> None:
    """Follow all rooms, until one of them ends with an exception."""
    headers = dict(arguments.header)
    async with RealtimeClient(arguments.url, headers=headers, auth=arguments.auth) as client:
        handles = [client.room(name, arguments.since, arguments.rewind) for name in arguments.room]
        await asyncio.gather(*map(follow, handles))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    try:
        asyncio.run(run(parser().parse_args(argv)))
    except ClientError as end:
        sys.stderr.write(f"{end}\n")
        return 1
    except BrokenPipeError:  # the reader of the output has gone, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
