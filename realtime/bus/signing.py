"""Seals: what shows that a text comes from somebody who knows the project's secret."""

import hashlib
import hmac
from collections.abc import Sequence

SIZE = 16  # bytes: nobody guesses 128 bits


class Signer:
    """Seals with the first of the keys (at most 64 bytes each), and knows those of all of them,
    so that a key can be replaced while others still use it."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._keys = tuple(keys)

    def seal(self, text: str) -> str:
        """The seal of this text and no other."""
        return _seal(self._keys[0], text)

    def fits(self, text: str, seal: str) -> bool:
        """Whether it is the seal of this text. Takes any two texts, and raises nothing."""
        given = seal.encode("utf-8", "surrogatepass")
        fitting = (hmac.compare_digest(_seal(key, text).encode(), given) for key in self._keys)
        return any(fitting)


def _seal(key: bytes, text: str) -> str:
    encoded = text.encode("utf-8", "surrogatepass")
    return hashlib.blake2b(encoded, key=key, digest_size=SIZE).hexdigest()
