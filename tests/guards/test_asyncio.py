"""The one attribute of asyncio's transports that uvicorn's transport writer clears."""

import asyncio
import socket
import sys
from typing import Any

from realtime.servers.uvicorn.transport import release


async def test_a_released_transport_has_forgotten_its_reader() -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_connection(asyncio.Protocol, sock=ours)
        kept: Any = transport
        assert kept._read_ready_cb.__self__ is transport, f"look at {release}: {sys.version}"
        release(transport)
        assert not hasattr(kept._read_ready_cb, "__self__")
        transport.abort()
        await asyncio.sleep(0)
