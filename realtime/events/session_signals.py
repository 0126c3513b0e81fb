"""Dispatches the signals of sessions that begin, and of rooms that they join and leave."""

from collections.abc import Iterable
from functools import partial

from django.dispatch import Signal

from realtime import signals
from realtime.store.records import Session

from .signal_dispatch import SignalDispatcher


class SessionSignals:
    """Its methods return at once and cost nothing where a signal has no receivers."""

    def __init__(self, dispatcher: SignalDispatcher) -> None:
        self._dispatcher = dispatcher

    def opened(self, session: Session) -> None:
        """Dispatch ``session_opened``."""
        self._dispatch(session, signals.session_opened)

    def resumed(self, session: Session) -> None:
        """Dispatch ``session_resumed``."""
        self._dispatch(session, signals.session_resumed)

    def joined(self, session: Session, rooms: Iterable[str]) -> None:
        """Dispatch ``room_joined`` for each of these rooms."""
        self._dispatch_rooms(session, signals.room_joined, rooms)

    def left(self, session: Session, rooms: Iterable[str]) -> None:
        """Dispatch ``room_left`` for each of these rooms."""
        self._dispatch_rooms(session, signals.room_left, rooms)

    def _dispatch(self, session: Session, signal: Signal) -> None:
        if signal.has_listeners():
            self._dispatcher.dispatch(session.id, partial(signals.announce, signal, [session]))

    def _dispatch_rooms(self, session: Session, signal: Signal, rooms: Iterable[str]) -> None:
        names = tuple(rooms)
        if names and signal.has_listeners():
            announce = partial(signals.announce_rooms, signal, session, names)
            self._dispatcher.dispatch(session.id, announce)
