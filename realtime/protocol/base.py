"""The base of messages, the types of their fields, and their bounds."""

from typing import Annotated, Literal

import msgspec

from .json_limits import MAX_INTEGER

MAX_HELLO_ROOMS = 1000  # of a hello; each may cause an error frame
MAX_AUTH = 8_192  # characters of a token, which are ASCII


def max_hello_size(rooms: int) -> int:
    """Return the bytes that suffice for a ``hello`` with the longest token and this many rooms,
    each with the longest name, epoch and offset, even with whitespace between them."""
    return 2_144 + MAX_AUTH + 260 * rooms


MAX_HELLO_SIZE = max_hello_size(MAX_HELLO_ROOMS)  # 264 KiB

Integer = Annotated[int, msgspec.Meta(ge=-MAX_INTEGER, le=MAX_INTEGER)]
Count = Annotated[int, msgspec.Meta(ge=0, le=MAX_INTEGER)]
Label = Annotated[str, msgspec.Meta(max_length=100)]
Secret = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
AuthToken = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_AUTH, pattern=r"^[ -~]*\Z")]
VisibilityState = Literal["visible", "hidden", "frozen"]


SECRETS = frozenset({"token", "auth"})


class Concealing(msgspec.Struct, frozen=True):
    """Its ``repr`` shows no SECRETS: error reports hold the local variables of a traceback."""

    def __repr__(self) -> str:
        fields = [(name, getattr(self, name)) for name in self.__struct_fields__]
        shown = [f"{k}={'…' if k in SECRETS and v else repr(v)}" for k, v in fields]
        return f"{type(self).__name__}({', '.join(shown)})"


class Message(Concealing, frozen=True, tag_field="type", omit_defaults=False):
    """One JSON object on the wire; ``type`` names the subclass."""
