"""The violations of a run, and how a report shows them."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from .record import (
    Counted,
    Ended,
    Event,
    Gap,
    Got,
    Hello,
    Joined,
    JoinRequest,
    Left,
    Received,
)

BEFORE, AFTER = 12, 3  # events of an excerpt


class Rule(Enum):
    """The rules that must never be broken."""

    MISSING = "a publication is missing without a notice"
    TWICE = "a publication was handed over twice"
    REPLAYED = "a publication announced as lost was delivered"
    UNANNOUNCED = "a publication came before its room was joined"
    FOREIGN = "a client got another user's publication"
    ORDER = "two publications at one position"
    FORGED = "a publication that the log never held"
    NO_LOSS = "a notice of a loss that was none"
    BELIEVED = "a position was believed that the log never reached"
    ANSWER = "an answer that the protocol does not know"
    LATE = "not everything was there at the end"
    AWAY = "a client was sent away that had done nothing wrong"
    UNKEPT = "acknowledged, but not in the log"
    AGAIN = "published twice"
    REFUSED = "refused, but published"
    SEQUENCE = "published before what had been acknowledged earlier"
    OVERTAKEN = "messages of one queue changed their order"
    REQUEST = "a request without its own answer"
    FORK = "a log did what no log may do"
    COUNT = "the counts differ"
    GHOST = "the registry does not hold exactly the connections there are"


@dataclass(frozen=True, slots=True)
class Violation:
    """One of them: who saw it, what exactly, and what had happened around it."""

    rule: Rule
    who: str
    what: str
    excerpt: tuple[str, ...] = ()

    def __str__(self) -> str:
        head = f"{self.rule.name}: {self.rule.value}\n  {self.who}: {self.what}"
        return "\n".join((head, *(f"    {line}" for line in self.excerpt)))


def excerpt(
    events: Sequence[Event | Received | Gap], number: int, room: str, *, began: float
) -> tuple[str, ...]:
    """The lines around event ``number`` that concern this room."""
    concerned = [at for at, event in enumerate(events) if at == number or _concerns(event, room)]
    middle = concerned.index(number) if events else 0
    shown = concerned[max(0, middle - BEFORE) : middle + AFTER + 1]
    return tuple(
        f"{'>' if at == number else ' '} {events[at].at - began:8.3f} {describe(events[at], room)}"
        for at in shown
    )


def _concerns(event: Event | Received | Gap, room: str) -> bool:
    return not isinstance(event, Counted) and getattr(event, "room", room) == room


def describe(event: Event | Received | Gap, room: str = "") -> str:
    """An event as one line; of a hello, what it said of this room."""
    match event:
        case Hello():
            said = f"{event.rooms[room] or 'from now on'}" if room in event.rooms else "not named"
            text = f"hello to {event.worker}, {room}: {said}"
        case JoinRequest():
            text = f"join from {event.position or 'now on'}"
        case Joined():
            how = "joined" if event.asked else "joined, unasked,"
            text = f"{how} at {event.top} recovered={event.recovered} {event.reason or ''}"
        case Got():
            text = f"publication {event.offset} {event.mark}"
        case Received():
            text = f"message at {event.position} {event.mark}{' replayed' * event.replayed}"
        case Gap():
            first = " initial" * event.initial
            text = f"publications missing, on after {event.position}: {event.reason}{first}"
        case Left():
            text = "left"
        case Counted():
            text = f"ping: {event.delivered} delivered, {event.received} received"
        case Ended():
            text = f"connection over, {event.code or 'without a word'}"
    return text
