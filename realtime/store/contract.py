"""The store contract: every method is one round trip and safe to repeat.

A repeat with the same arguments gives the same answer and has no second effect:
ids, tokens and connections are made by the caller, the values of a beat are
absolute. So a write whose answer is lost is *unknown*, and is simply sent again.
Only news is told once: that a lease was not renewed, and whom a beat or a sweep
has suspended. Losing it costs a signal or some seconds, never a session.

Each store offers the contract twice: :class:`Store` for the event loop of a
worker, and ``store.blocking``, the same methods for a thread that waits
(:class:`BlockingStore`). The contract suite in ``tests/store`` is the definition.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from .log import BlockingLog, Log
from .records import (
    Attendance,
    BeatAnswer,
    Departure,
    LostSession,
    Opening,
    Overdue,
    Page,
    Query,
    Registration,
    Session,
    SessionLimit,
    SessionUpdate,
    Stats,
    StatsSample,
    SweepReport,
    Swept,
    Verdict,
    WorkerReport,
)

# A call handles at most so many sessions, to stay short for everybody else.
BATCH = 500

# So much of a session's id is harmless: it finds the session where one may look for it, and
# leaves 80 of the id's 128 bits unknown. Whole ids stay out of URLs and logs.
ID_PREFIX_LEN = 8

# One sample per bucket of the store's clock, kept for an hour and a bit, so that an hour's
# chart has its left edge.
SAMPLE_EVERY_MS = 10_000
SAMPLES_KEPT_MS = 3_600_000 + 2 * SAMPLE_EVERY_MS

# What a lost worker has counted is remembered for a month: one that was only frozen goes on
# from there, and nothing is counted twice.
LOST_WORKER_KEPT_MS = 30 * 24 * 3_600_000

LONGEST_REASON = 200

# So long is remembered what is over: a connection that was given up, a worker that has left, a
# session that was closed. What was sent before may arrive later: a system tries for about 15
# minutes to hand over what was written to a connection.
LATE_MS = 20 * 60_000

# So long is remembered whose end was asked for: who was on the way to a session then, a login
# loaded and rooms allowed, must not come in unheard. No admission takes longer.
ENDED_MS = 60_000


def exactly_one(**given: str) -> tuple[str, str]:
    """The name and the value of the one that is given, of those whom a request may be for.

    Raises ValueError for none or several.
    """
    chosen = [(name, value) for name, value in given.items() if value]
    if len(chosen) != 1:
        raise ValueError("expected one of session, user and login")
    return chosen[0]


class StoreUnavailable(Exception):
    """The store cannot be reached in time. Whether a write took effect is unknown."""


class LoginsUnavailable(StoreUnavailable):
    """Whose a connection is cannot be known now: the logins' database or cache fails."""


class LoginUnverified(LoginsUnavailable):
    """This one login cannot be known here, while others can: other keys have signed it."""


class AtCapacity(StoreUnavailable):
    """Too much waits in this process already; nothing of this call was begun."""


class BlockingStore(ABC):
    """The contract. A method raises :class:`StoreUnavailable`, and for nothing but a
    caller's mistake ValueError. ``log`` holds the rooms' messages, see ``log.py``."""

    log: BlockingLog

    @abstractmethod
    def own(self, *, adopt: bool = False) -> None:
        """Note that the store is its caller's deployment's, with the key that is in use.

        Raises :class:`~.ownership.ForeignStore` where it is another's, unless it is to be
        adopted. Every store looks before its first call whether it is, and raises that as well;
        one that is made without an owner asks nobody.
        """

    @abstractmethod
    def open(
        self, opening: Opening, *, cap: SessionLimit | None = None
    ) -> Session | Verdict | None:
        """Register a new session as connected. None if its user has too many, see ``cap``,
        and if the call comes too late: its connection was given up (:meth:`suspend`), its
        worker has left, or the session has been closed.

        Only users are counted, nobody anonymous: their connected and suspended sessions
        that nobody has asked to end for good. Where one more would be over the limit, as
        many as needed are asked to end with 4504: first those whom nobody is connected to
        (suspended, or at a worker whose lease has ended), then, with ``evict_oldest``,
        connected ones, oldest first both times. If that is not enough, nothing happens.

        Returns a Verdict, and changes nothing, if the end of its login was asked for less than
        ENDED_MS ago, or that of its user since the connection came.
        """

    @abstractmethod
    def resume(self, opening: Opening) -> Session | Verdict | None:
        """Continue a session: same user, token and id, within the window, swept or not.

        Takes over one that is still connected; the generation grows by one, and the turn is
        that of the opening. Returns None if the session is unknown, expired or foreign
        (indistinguishable on purpose), and changes nothing then, nor if the call comes too
        late, as in :meth:`open`.

        Returns a Verdict to the session's own client if the session was asked to end with a
        final code, or has ended with one less than a resume window ago; see
        ``verdicts.py`` for the ends of logins. Also, with 4506, if the turn is not above the last
        one of the session: the attempt is older than the one that has it; and like :meth:`open`,
        also if the end of this session was asked for since the connection came. Nothing changes.
        """

    @abstractmethod
    def beat(
        self, worker: WorkerReport, pulses: Sequence[SessionUpdate], *, suspend_lost: bool = True
    ) -> BeatAnswer:
        """Renew the worker's lease and report at most BATCH of its sessions.

        Takes sessions up again that were suspended while the worker stood still.
        Suspends sessions of workers whose lease has ended, unless told not to: after
        an outage of the store they, too, have yet to beat again.
        """

    @abstractmethod
    def register(
        self, worker: str, registrations: Sequence[Registration]
    ) -> tuple[LostSession, ...]:
        """Put at most BATCH of a worker's connected sessions back after another incarnation.

        An unknown session is inserted as it was, its token included; of a known one a
        lower generation is replaced, a final request for its end aside, and the same one,
        if it is still this worker's, is treated like in a beat. Whatever has moved on is left
        alone: it is answered if its generation is higher, and by the next beat otherwise.
        What was closed does not come back, and a worker that has left puts nothing back.
        """

    @abstractmethod
    def suspend(self, worker: str, departures: Sequence[Departure]) -> tuple[Session, ...]:
        """Mark at most BATCH connections as ended; the resume window starts now.

        A session that has moved on (other generation or worker) is left alone.
        Returns those that were suspended by this call or a repeat of it.

        A departure by ``connection`` gives that connection up, whatever became of it: an
        ``open`` or ``resume`` for it that arrives within LATE_MS finds a tombstone, and does
        nothing.
        """

    @abstractmethod
    def close(
        self, worker: str, departures: Sequence[Departure], claimant: str
    ) -> tuple[Session, ...]:
        """End at most BATCH sessions for good: they are closing, claimed by the caller,
        who finishes them and then confirms. Left alone like in :meth:`suspend`."""

    @abstractmethod
    def confirm(self, sessions: Sequence[str]) -> None:
        """Forget at most BATCH closing sessions, after their history has been written."""

    @abstractmethod
    def request_close(
        self, *, session: str = "", user: str = "", login: str = "", code: int, reason: str
    ) -> tuple[str, ...]:
        """Ask for the end of one session, or all of a user or login; returns their ids.

        A connected one gets an entry in its worker's inbox. A suspended one is
        closed by the next sweep if the code is final and is left alone otherwise. One that
        is about to be opened or resumed is not: see :meth:`open` and :meth:`resume`.
        """

    @abstractmethod
    def leave(self, worker: str) -> tuple[Session, ...]:
        """Give the worker's lease back; whatever it still has is suspended and returned.

        A call of this worker's that arrives within LATE_MS comes too late: it renews no lease,
        and opens, resumes and registers nothing."""

    @abstractmethod
    def get(self, session: str) -> Session | None:
        """One session, or None."""

    @abstractmethod
    def page(self, query: Query, *, limit: int = 100, cursor: str = "") -> Page:
        """Connected and suspended sessions that match, a page at a time.

        The cursor is a place in the order, so what comes and goes meanwhile moves
        nobody; it may stand in a URL, so it holds no more than SHOWN of an id.
        Raises ValueError for a cursor or limit that makes no sense.
        """

    @abstractmethod
    def of_user(self, user: str) -> tuple[Session, ...]:
        """All connected and suspended sessions of a user, newest first."""

    @abstractmethod
    def attendance(self, room: str) -> Attendance:
        """How many sessions are connected and in this room, and how many users have them;
        nobody anonymous is a user."""

    @abstractmethod
    def stats(self) -> Stats:
        """Counts over the whole registry."""

    @abstractmethod
    def workers(self) -> tuple[WorkerReport, ...]:
        """The live workers as they last reported themselves, by host and process id."""

    @abstractmethod
    def sample(self) -> None:
        """Take a sample of the numbers for the current bucket of SAMPLE_EVERY_MS, unless
        somebody has. Forgets what is older than SAMPLES_KEPT_MS, and what lies ahead."""

    @abstractmethod
    def samples(self, *, after: int = 0) -> tuple[StatsSample, ...]:
        """The samples of the last hour and a bit that were taken after ``after``, oldest first;
        all of them if that lies ahead."""

    @abstractmethod
    def sweep(self, claimant: str, *, limit: int = BATCH) -> Swept:
        """Suspend what is dead, claim what is to be closed: one step of at most ``limit``.

        The caller finishes what it has claimed within ``claim_timeout`` and
        confirms; otherwise somebody else's sweep claims it again. A claimant that
        asks again is given what it has not confirmed yet. A worker that has yet to beat, because
        it stood still or the clock was set, suspends nobody: others have yet to beat, too. Its id
        is the first word of ``claimant``.
        """

    @abstractmethod
    def overdue(self) -> Overdue:
        """What a sweep would do now. Changes nothing."""

    @abstractmethod
    def note_sweep(self, report: SweepReport) -> None:
        """Remember the last sweep for :meth:`stats`; the store sets its time."""

    @abstractmethod
    def probe(self) -> None:
        """Write a little, and leave nothing: fails where no session could be opened, also for
        want of memory or of the right to write."""


class Store(ABC):
    """The same contract for an event loop; see :class:`BlockingStore` for what each does."""

    blocking: BlockingStore
    log: Log

    @abstractmethod
    async def own(self, *, adopt: bool = False) -> None: ...
    @abstractmethod
    async def open(
        self, opening: Opening, *, cap: SessionLimit | None = None
    ) -> Session | Verdict | None: ...
    @abstractmethod
    async def resume(self, opening: Opening) -> Session | Verdict | None: ...
    @abstractmethod
    async def beat(
        self, worker: WorkerReport, pulses: Sequence[SessionUpdate], *, suspend_lost: bool = True
    ) -> BeatAnswer: ...
    @abstractmethod
    async def register(
        self, worker: str, registrations: Sequence[Registration]
    ) -> tuple[LostSession, ...]: ...
    @abstractmethod
    async def suspend(
        self, worker: str, departures: Sequence[Departure]
    ) -> tuple[Session, ...]: ...
    @abstractmethod
    async def close(
        self, worker: str, departures: Sequence[Departure], claimant: str
    ) -> tuple[Session, ...]: ...
    @abstractmethod
    async def confirm(self, sessions: Sequence[str]) -> None: ...
    @abstractmethod
    async def request_close(
        self, *, session: str = "", user: str = "", login: str = "", code: int, reason: str
    ) -> tuple[str, ...]: ...
    @abstractmethod
    async def leave(self, worker: str) -> tuple[Session, ...]: ...
    @abstractmethod
    async def get(self, session: str) -> Session | None: ...
    @abstractmethod
    async def page(self, query: Query, *, limit: int = 100, cursor: str = "") -> Page: ...
    @abstractmethod
    async def of_user(self, user: str) -> tuple[Session, ...]: ...
    @abstractmethod
    async def attendance(self, room: str) -> Attendance: ...
    @abstractmethod
    async def stats(self) -> Stats: ...
    @abstractmethod
    async def workers(self) -> tuple[WorkerReport, ...]: ...
    @abstractmethod
    async def sample(self) -> None: ...
    @abstractmethod
    async def samples(self, *, after: int = 0) -> tuple[StatsSample, ...]: ...
    @abstractmethod
    async def sweep(self, claimant: str, *, limit: int = BATCH) -> Swept: ...
    @abstractmethod
    async def overdue(self) -> Overdue: ...
    @abstractmethod
    async def note_sweep(self, report: SweepReport) -> None: ...
    @abstractmethod
    async def probe(self) -> None: ...
    @abstractmethod
    async def aclose(self) -> None:
        """Release threads and connections of this process."""
