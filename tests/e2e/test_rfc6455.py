"""RFC 6455, case by case: the table of the Autobahn test suite as far as it applies.

Groups 12 and 13 are compression, which is never negotiated. Numbers are the suite's own.
``docs/rfc6455.md`` says where our servers differ, and why.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain

import pytest

from . import conformance
from .server_support import BINARY, CLOSE, PING, PONG, TEXT, Peer, ServerProcess, masked

CONT = 0
MASK = b"\x21\x43\x65\x87"

Frame = tuple[int, bytes]

VIOLATION, NOT_UTF8, POLICY, TOO_BIG = (1002,), (1007,), (1008,), (1009,)

BYTES = b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff"
GREEK = "Hello-µ@ßöäüàá-UTF-8!!".encode()
COSME = "κόσμε".encode()


@lru_cache(maxsize=64)  # long messages have thousands of equal fragments
def frame(opcode: int, payload: bytes = b"", *, fin: bool = True, rsv: int = 0) -> bytes:
    """One frame from a client."""
    head = bytes([opcode | rsv << 4 | (0x80 if fin else 0)]) + size(len(payload))
    return head + MASK + masked(payload, MASK)


def size(length: int) -> bytes:
    if length < 126:
        return bytes([0x80 | length])
    if length < 65536:
        return bytes([0x80 | 126]) + struct.pack("!H", length)
    return bytes([0x80 | 127]) + struct.pack("!Q", length)


def fragments(opcode: int, payload: bytes, *, of: int) -> bytes:
    """A message in fragments of so many bytes."""
    pieces = [payload[i : i + of] for i in range(0, len(payload), of)] or [b""]
    last = len(pieces) - 1
    return b"".join(
        frame(CONT if i else opcode, piece, fin=i == last) for i, piece in enumerate(pieces)
    )


def closing(code: int, reason: bytes = b"") -> bytes:
    return frame(CLOSE, struct.pack("!H", code) + reason)


@dataclass(frozen=True, slots=True)
class Case:
    """Bytes to send, in pieces of ``chop`` bytes, and the frames that must come back.

    Without ``codes`` the connection stays open. With them the server closes it with one of these,
    and a beginning of ``heard`` is enough: answers to frames before a violation may be lost.
    """

    name: str
    sent: bytes
    heard: tuple[Frame, ...] = ()
    codes: tuple[int, ...] = ()
    chop: int = 0


def echoes() -> Iterator[Case]:
    for group, opcode, unit in (("1.1", TEXT, b"*"), ("1.2", BINARY, b"\xfe")):
        for number, length in enumerate((0, 125, 126, 127, 128, 65535, 65536), start=1):
            payload = unit * length
            yield Case(f"{group}.{number}", frame(opcode, payload), ((opcode, payload),))
        payload = unit * 65536
        yield Case(f"{group}.8", frame(opcode, payload), ((opcode, payload),), chop=997)


def pings() -> Iterator[Case]:
    longest = b"\xfe" * 125
    for number, payload in enumerate((b"", b"Hello, world!", BYTES, longest), start=1):
        yield Case(f"2.{number}", frame(PING, payload), ((PONG, payload),))
    yield Case("2.5", frame(PING, b"\xfe" * 126), codes=VIOLATION)
    yield Case("2.6", frame(PING, longest), ((PONG, longest),), chop=1)
    yield Case("2.7", frame(PONG))
    yield Case("2.8", frame(PONG, b"unsolicited"))
    yield Case("2.9", frame(PONG, b"unsolicited") + frame(PING, b"ping"), ((PONG, b"ping"),))
    ten = [b"payload-%d" % i for i in range(10)]
    sent, heard = b"".join(frame(PING, p) for p in ten), tuple((PONG, p) for p in ten)
    yield Case("2.10", sent, heard)
    yield Case("2.11", sent, heard, chop=1)


def reserved() -> Iterator[Case]:
    for rsv in range(1, 8):
        wrong = frame((TEXT, BINARY, PING, CLOSE, TEXT, BINARY, PING)[rsv - 1], b"", rsv=rsv)
        yield Case(f"3.{rsv}", wrong, codes=VIOLATION)
        sent = frame(TEXT, b"before") + frame(TEXT, b"wrong", rsv=rsv) + frame(PING)
        yield Case(f"3.{rsv}b", sent, ((TEXT, b"before"),), VIOLATION)
    for opcode in (*range(3, 8), *range(11, 16)):
        group = "4.1" if opcode < 8 else "4.2"
        yield Case(f"{group}.{opcode}", frame(opcode), codes=VIOLATION)
        sent = frame(TEXT, b"before") + frame(opcode, b"wrong") + frame(PING)
        yield Case(f"{group}.{opcode}b", sent, ((TEXT, b"before"),), VIOLATION)


def fragmented() -> Iterator[Case]:
    first, last = frame(TEXT, b"fragment1", fin=False), frame(CONT, b"fragment2")
    middle, ping = frame(CONT, b"fragment2", fin=False), frame(PING, b"ping")
    whole, pong = (TEXT, b"fragment1fragment2"), (PONG, b"ping")
    yield Case("5.1", frame(PING, b"a", fin=False) + frame(CONT, b"b"), codes=VIOLATION)
    yield Case("5.2", frame(PONG, b"a", fin=False) + frame(CONT, b"b"), codes=VIOLATION)
    for name, chop in (("5.3", 0), ("5.5", 1)):
        yield Case(name, first + last, (whole,), chop=chop)
    for name, chop in (("5.6", 0), ("5.8", 1)):
        yield Case(name, first + ping + last, (pong, whole), chop=chop)
    for name, fin, chop in (("5.9", True, 0), ("5.11", True, 1), ("5.12", False, 0)):
        yield Case(
            name, frame(CONT, b"no message", fin=fin) + frame(TEXT), codes=VIOLATION, chop=chop
        )
    yield Case("5.15", first + last + middle + frame(TEXT, b"more"), (whole,), VIOLATION)
    yield Case("5.16", (frame(CONT, b"a", fin=False) + first + last) * 2, codes=VIOLATION)
    yield Case("5.18", first + frame(TEXT, b"fragment2"), codes=VIOLATION)
    parts = [frame(CONT, b"fragment%d" % i, fin=i == 5) for i in range(3, 6)]
    five = (TEXT, b"".join(b"fragment%d" % i for i in range(1, 6)))
    sent = first + middle + frame(PING, b"1") + parts[0] + parts[1] + frame(PING, b"2") + parts[2]
    for name, chop in (("5.19", 0), ("5.20", 1)):
        yield Case(name, sent, ((PONG, b"1"), (PONG, b"2"), five), chop=chop)


VALID = [
    "κόσμε", "\x00", "\x80", "\u0800", "\U00010000", "\x7f", "\u07ff", "\uffff", "\U0010ffff",
    "\ud7ff", "\ue000", "\ufffd", "\ufffe", "\U0001fffe", "\U000f1234", "",
]  # fmt: skip

INVALID = [
    COSME + b"\xed\xa0\x80edited",
    b"\xf8\x88\x80\x80\x80", b"\xfc\x84\x80\x80\x80\x80",  # five and six bytes
    b"\xf7\xbf\xbf\xbf", b"\xf4\x90\x80\x80",  # beyond U+10FFFF
    b"\x80", b"\xbf", b"\x80\xbf", b"\x80\xbf\x80\xbf\x80\xbf", bytes(range(0x80, 0xC0)),
    b"\xc0 \xc1 \xdf ", b"\xe0 \xef ", b"\xf0 \xf7 ", b"\xf8 \xfb ", b"\xfc \xfd ",
    b"\xc0", b"\xe0\x80", b"\xf0\x80\x80", b"\xdf", b"\xef\xbf", b"\xf7\xbf\xbf",
    b"\xfe", b"\xff", b"\xfe\xfe\xff\xff",
    b"\xc0\xaf", b"\xe0\x80\xaf", b"\xf0\x80\x80\xaf", b"\xc1\xbf", b"\xe0\x9f\xbf",  # overlong
    b"\xf0\x8f\xbf\xbf", b"\xc0\x80", b"\xe0\x80\x80", b"\xf0\x80\x80\x80",
    b"\xed\xa0\x80", b"\xed\xbf\xbf", b"\xed\xa0\x80\xed\xb0\x80",  # surrogates
]  # fmt: skip


def utf8() -> Iterator[Case]:
    yield Case("6.1.1", frame(TEXT), ((TEXT, b""),))
    yield Case("6.1.2", fragments(TEXT, b"", of=1), ((TEXT, b""),))
    empty = frame(TEXT, fin=False) + frame(CONT, b"middle", fin=False) + frame(CONT)
    yield Case("6.1.3", empty, ((TEXT, b"middle"),))
    yield Case("6.2.1", frame(TEXT, GREEK), ((TEXT, GREEK),))
    for name, of in (("6.2.2", 12), ("6.2.3", 1)):
        yield Case(name, fragments(TEXT, GREEK, of=of), ((TEXT, GREEK),))
    yield Case("6.2.4", frame(TEXT, COSME), ((TEXT, COSME),), chop=1)
    for number, text in enumerate(VALID):
        payload = text.encode()
        yield Case(f"6.valid.{number}", fragments(TEXT, payload, of=1), ((TEXT, payload),))
    for number, payload in enumerate(INVALID):
        yield Case(f"6.invalid.{number}", frame(TEXT, payload), codes=NOT_UTF8)
        yield Case(f"6.invalid.{number}f", fragments(TEXT, payload, of=1), codes=NOT_UTF8)


def ends() -> Iterator[Case]:
    text = frame(TEXT, b"before")
    yield Case("7.1.1", text + closing(1000), ((TEXT, b"before"),), (1000,))
    yield Case("7.1.2", closing(1000) + closing(1000), codes=(1000,))
    yield Case("7.1.3", closing(1000) + frame(PING), codes=(1000,))
    yield Case("7.1.4", closing(1000) + frame(TEXT, b"after"), codes=(1000,))
    cut = frame(TEXT, b"cut", fin=False) + closing(1000)
    yield Case("7.1.5", cut + frame(CONT, b"after"), codes=(1000,))
    for code in (1001, 4000):
        unfinished = frame(BINARY, b"a", fin=False) + frame(CONT, b"b", fin=False) + frame(PING)
        sent = unfinished + closing(code, b"enough") + frame(CONT, b"c")
        yield Case(f"7.1.5 {code}", sent, ((PONG, b""),), codes=(1000, code))
    yield Case("7.1.5 wrong", frame(TEXT, b"a", fin=False) + closing(1005), codes=VIOLATION)
    yield Case("7.3.2", frame(CLOSE, b"a"), codes=VIOLATION)
    yield Case("7.3.4", closing(1000, b"Hello World!"), codes=(1000,))
    yield Case("7.3.5", closing(1000, b"*" * 123), codes=(1000,))
    yield Case("7.3.6", closing(1000, b"*" * 124), codes=VIOLATION)
    yield Case("7.5.1", closing(1000, b"\xce\xba\xed\xa0\x80"), codes=NOT_UTF8)
    wrong = frame(TEXT, b"\xff") + frame(PING) + closing(4000) + frame(PING)
    yield Case("7.after", wrong, ((PONG, b""),), (*NOT_UTF8, 4000))
    for code in (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999):
        yield Case(f"7.7.{code}", closing(code), codes=(1000, code))
    for code in (0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999, 5000, 65535):
        yield Case(f"7.9.{code}", closing(code), codes=VIOLATION)


LIMIT = 1_000_000  # and 64 KiB of allowance


def limits() -> Iterator[Case]:
    for group, opcode in (("9.1", TEXT), ("9.2", BINARY)):
        for length in (2**16, 2**18, LIMIT):
            payload = b"*" * length
            yield Case(f"{group}.{length}", frame(opcode, payload), ((opcode, payload),))
        head = bytes([0x80 | opcode]) + size(2**22)
        yield Case(f"{group}.4M", head + MASK, codes=TOO_BIG)
    for group, opcode in (("9.3", TEXT), ("9.4", BINARY)):
        payload = b"*" * LIMIT
        for of in (256, 2**10, 2**14):
            sent = fragments(opcode, payload, of=of)
            yield Case(f"{group}.{of}", sent, ((opcode, payload),))
        yield Case(f"{group}.64", fragments(opcode, payload, of=64), codes=POLICY)
        too_much = fragments(opcode, payload * 2, of=2**14)
        yield Case(f"{group}.too much", too_much, codes=TOO_BIG)
    for group, opcode in (("9.5", TEXT), ("9.6", BINARY)):
        payload = b"*" * 2**18
        yield Case(f"{group}", frame(opcode, payload), ((opcode, payload),), chop=2**10)
    for group, opcode in (("9.7", TEXT), ("9.8", BINARY)):
        for length in (0, 16, 256):
            one = (opcode, b"*" * length)
            yield Case(f"{group}.{length}", frame(*one) * 200, (one,) * 200)
    payload = b"*" * 65536
    yield Case("10.1.1", fragments(TEXT, payload, of=1300), ((TEXT, payload),))


GROUPS = (echoes, pings, reserved, fragmented, utf8, ends, limits)
CASES = tuple(chain.from_iterable(group() for group in GROUPS))


@pytest.fixture(scope="module", params=["daphne", "uvicorn"])
def server(request: pytest.FixtureRequest) -> Iterator[ServerProcess]:
    with ServerProcess(server=request.param, limits={"max_message_size": LIMIT}) as process:
        yield process
        assert process.lines_with("ERROR") == 0, process.log[-50:]


@pytest.fixture(scope="module")
def neighbour(server: ServerProcess) -> Iterator[Peer]:
    """A connection that is there all the time."""
    with Peer(server.port).upgrade("/mirror") as peer:
        yield peer


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case(server: ServerProcess, neighbour: Peer, case: Case) -> None:
    with Peer(server.port).upgrade("/mirror") as peer:
        send(peer, case)
        if case.codes:
            heard = closed(peer, case.codes)
            assert tuple(heard) == case.heard[: len(heard)]
        else:
            assert tuple(peer.next_frame() for _ in case.heard) == case.heard
            served(peer)
    served(neighbour)


def send(peer: Peer, case: Case) -> None:
    step = case.chop or len(case.sent) or 1
    for start in range(0, len(case.sent), step):
        peer.send(case.sent[start : start + step])


def closed(peer: Peer, codes: tuple[int, ...]) -> list[Frame]:
    """Frames before the close frame, which has one of these codes, and a proper end."""
    heard = []
    while (found := peer.next_frame())[0] != CLOSE:
        heard.append(found)
    assert int.from_bytes(found[1][:2], "big") in codes
    peer.socket.shutdown(1)
    assert peer.ended() == b""
    return heard


def served(peer: Peer) -> None:
    peer.text("well")
    assert peer.next_frame() == (TEXT, b"well")


def test_a_close_without_a_code_is_answered(server: ServerProcess) -> None:
    """7.3.1"""
    with Peer(server.port).upgrade("/mirror") as peer:
        peer.frame(CLOSE)
        opcode, payload = peer.next_frame()
        assert (opcode, payload) in ((CLOSE, b""), (CLOSE, b"\x03\xe8"))
        assert peer.ended() == b""


def test_the_suite_itself_says_what_it_wants(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(conformance, "starts", lambda _: False)
    assert conformance.main() == 0
    [line] = capsys.readouterr().out.splitlines()
    assert "Python 2.7" in line


def test_of_the_suite_s_cases_only_the_documented_ones_may_fail() -> None:
    ends = {"1.1.1": "OK", "7.1.5": "NON-STRICT", **dict.fromkeys(conformance.KNOWN, "FAILED")}
    assert len(list(conformance.summary("daphne", ends))) == 1
    assert "7.1.5 FAILED" in [*conformance.summary("daphne", {**ends, "7.1.5": "FAILED"})][1]
    assert "9.3.1 passed" in [*conformance.summary("daphne", {**ends, "9.3.1": "OK"})][1]
