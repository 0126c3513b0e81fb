"""Frames go straight to the kernel: to their own socket, or to none."""

import os
import socket
from collections.abc import Iterator

import pytest

from realtime.servers.common.raw_frames import RawFrameWriter


class OpenTarget:
    """A target that always calls itself open, and is its own writer, never full."""

    full, unsent, open = False, 0, True

    def __init__(self, ours: socket.socket) -> None:
        self._descriptor = ours.fileno()

    @property
    def writer(self) -> "OpenTarget":
        return self

    def fileno(self) -> int:
        return self._descriptor

    def send(self, data: bytes) -> None:
        raise AssertionError("everything fits")


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.settimeout(5.0)
        yield ours, theirs


def test_a_descriptor_that_another_connection_reuses_is_not_written_to(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    lost, friend = socket.socketpair()
    with lost, friend:
        frames = RawFrameWriter(OpenTarget(lost))
        frames.refresh()
        assert RawFrameWriter.write_to_all([frames], b"for a friend") == []
        assert friend.recv(100) == b"for a friend"
        frames.detach()
        frames.refresh()  # a server refreshes a lost connection
        ours, theirs = pair
        os.dup2(ours.fileno(), lost.fileno())
        assert RawFrameWriter.write_to_all([frames], b"secret") == [0]
        os.write(ours.fileno(), b"the stranger's own")
        assert theirs.recv(100) == b"the stranger's own"
