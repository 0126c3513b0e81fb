"""Signatures of channel layer messages, made with keys derived from the project's secret."""

import hashlib
import hmac
from collections.abc import Sequence

SIGNATURE_BYTES = 16  # 128 bits cannot be guessed


class Signer:
    """Signs with the first key and accepts the signatures of all keys (at most 64 bytes each),
    so that a key can be rotated while other processes still sign with the old one."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._keys = tuple(keys)

    def sign(self, text: str) -> str:
        """Return the signature of ``text``, in hexadecimal."""
        return _signature(self._keys[0], text)

    def verify(self, text: str, signature: str) -> bool:
        """Return whether ``signature`` belongs to ``text``. Accepts any strings, never raises."""
        given = signature.encode("utf-8", "surrogatepass")
        matches = (hmac.compare_digest(_signature(key, text).encode(), given) for key in self._keys)
        return any(matches)


def _signature(key: bytes, text: str) -> str:
    encoded = text.encode("utf-8", "surrogatepass")
    return hashlib.blake2b(encoded, key=key, digest_size=SIGNATURE_BYTES).hexdigest()
