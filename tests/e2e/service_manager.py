"""The listening half of systemd's notification protocol."""

import os
import socket
import threading
from typing import Self

from tests.polling import eventually


class ServiceManager:
    """Keeps what services say; a context manager. Without a path in the abstract namespace."""

    def __init__(self, address: str = "") -> None:
        self.address = address or f"@tests-{os.getpid()}-{id(self)}"
        self.messages: list[str] = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self.address.replace("@", "\0", 1))
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        while message := self._socket.recv(4096):
            self.messages.append(message.decode())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.shutdown(socket.SHUT_RD)
        self._reader.join()
        self._socket.close()

    def heard(self, start: str) -> list[str]:
        """The messages that begin so; waits for the first."""
        return eventually(lambda: self.now(start), what=(start, self.messages))

    def now(self, start: str) -> list[str]:
        return [message for message in tuple(self.messages) if message.startswith(start)]
