"""The store contract: every method is one round trip and safe to repeat.

Repeating a call with the same arguments gives the same answer and has no second effect: the caller
makes ids, tokens and connection names, and a beat reports absolute values. So a write whose answer
is lost is *unknown*, and the caller simply sends it again. Only two answers come once: that a lease
was not renewed, and which sessions a beat or a sweep suspended. Losing them costs a signal or some
seconds, never a session.

A method is declared once, in :class:`StoreContract`. Each store runs it for the event loop of a
worker (:class:`Store`) and for a thread (``store.blocking``, a :class:`BlockingStore`). The
contract suite in ``tests/store`` is the definition.
"""
# mypy: disable-error-code="empty-body"

from abc import abstractmethod
from collections.abc import Mapping, Sequence

from .log import BlockingLog, Log
from .operation import BlockingDriver, LoopDriver, operation, read_operation
from .records import (
    Attendance,
    BeatAnswer,
    Departure,
    LostSession,
    Opening,
    Overdue,
    Page,
    PresenceAnswer,
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

# A call handles at most this many sessions, so that other calls do not wait long.
BATCH = 500

# This prefix of a session's id is safe to show: it finds the session for those allowed to search,
# and leaves 80 of the id's 128 bits unknown. Whole ids stay out of URLs and logs.
ID_PREFIX_LEN = 8

# One sample per bucket of the store's clock; kept for slightly more than an hour, so that an
# hour's chart has its left edge.
SAMPLE_EVERY_MS = 10_000
SAMPLES_KEPT_MS = 3_600_000 + 2 * SAMPLE_EVERY_MS

# How long the store remembers the counts of a lost worker: one that was only frozen continues from
# them, and nothing is counted twice.
LOST_WORKER_KEPT_MS = 30 * 24 * 3_600_000

MAX_REASON_LEN = 200  # characters

# Rooms whose presence one call reads: their descriptions are 10 MiB at most.
MAX_PRESENCES = 50

# How long a tombstone of an abandoned connection, a worker that left or a closed session lasts. A
# call sent before may arrive later: TCP retransmits for about 15 minutes.
TOMBSTONE_MS = 20 * 60_000

# How long the store remembers a requested end. A connection that was being admitted then, its login
# loaded and its rooms allowed, must not get in. No admission takes longer.
REQUESTED_END_MS = 60_000


def exactly_one(**given: str) -> tuple[str, str]:
    """The name and value of the only argument that is not empty.

    Raises ValueError for none or several.
    """
    chosen = [(name, value) for name, value in given.items() if value]
    if len(chosen) != 1:
        raise ValueError("expected one of session, user and login")
    return chosen[0]


def check_presences(rooms: Mapping[str, str]) -> None:
    """Raises ValueError for more than MAX_PRESENCES."""
    if len(rooms) > MAX_PRESENCES:
        raise ValueError(f"expected at most {MAX_PRESENCES} rooms, not {len(rooms)}")


class StoreUnavailable(Exception):
    """The store cannot be reached in time. Whether a write took effect is unknown."""


class StoreUnusable(StoreUnavailable):
    """The store answers, but this deployment cannot use it, and nothing of the call took effect.
    The text is a sentence that says what an operator has to do."""


class TablesMissing(StoreUnusable):
    """A table or a column does not exist: migrations have not run, or not all of them."""


class LoginsUnavailable(StoreUnavailable):
    """The database or cache of the logins fails, so no connection's user can be determined."""


class LoginUnverified(LoginsUnavailable):
    """This login cannot be verified here because other keys signed it; other logins can."""


class AtCapacity(StoreUnavailable):
    """Too many calls wait in this process already; nothing of this one was begun."""


class StoreContract:
    """The methods of a store. Each raises :class:`StoreUnavailable`, and ValueError for a mistake
    of the caller's."""

    @operation
    def own(self, *, adopt: bool = False) -> None:
        """Record that the store belongs to the caller's deployment, with its current key.

        Raises :class:`~.ownership.ForeignStore` if it belongs to another deployment, unless
        ``adopt``. Every store checks its owner before its first call and raises the same error; a
        store made without an owner checks nothing.
        """

    @operation
    def open(
        self, opening: Opening, *, limit: SessionLimit | None = None
    ) -> Session | Verdict | None:
        """Register a new session as connected.

        Returns None if its user has too many sessions, see ``limit``, or if the call comes too
        late: its connection was abandoned (:meth:`suspend`), its worker has left, or the session
        was closed.

        The limit counts a user's connected and suspended sessions without a request to end for
        good; anonymous sessions are never counted. If one more would exceed it, the store requests
        the end of as many as needed with 4504: first those without a connection (suspended, or at
        a worker whose lease has ended), then, with ``evict_oldest``, connected ones; oldest first
        both times. If that is not enough, nothing changes.

        Returns a Verdict, and changes nothing, if the end of its login was requested less than
        REQUESTED_END_MS ago, or the end of its user since the connection came.
        """

    @operation
    def resume(self, opening: Opening) -> Session | Verdict | None:
        """Continue a session: same user, token and id, within the resume window, swept or not.

        Takes over one that is still connected; the generation grows by one, and the turn becomes
        that of the opening. Returns None if the session is unknown, expired or owned by another
        user (indistinguishable on purpose), or if the call comes too late, as in :meth:`open`;
        nothing changes then.

        Returns a Verdict, and changes nothing, for the session's own client:
        if its end was requested with a final code, or it ended with one less than a resume
        window ago (``verdicts.py`` has the rule for logins); with 4506 if the turn is not above
        the session's last one, because a later attempt has it; and if the end of its login, its
        user or this session was requested, as in :meth:`open`.
        """

    @operation
    def change_login(self, session: str, connection: str, login: str) -> Session | Verdict | None:
        """Give a session the digest of a new login, for :meth:`request_close` to find it by.

        Returns None, and changes nothing, if the session is unknown, closing or has another
        connection. Returns a Verdict, and changes nothing, if the end of the new login was
        requested less than REQUESTED_END_MS ago. A request to close that the session has got
        through its former login stays.
        """

    @operation
    def beat(
        self, report: WorkerReport, updates: Sequence[SessionUpdate], *, suspend_lost: bool = True
    ) -> BeatAnswer:
        """Renew the worker's lease and report at most BATCH of its sessions.

        Reattaches sessions that were suspended while the worker stood still. Suspends the sessions
        of workers whose lease has ended, unless ``suspend_lost`` is False: after an outage of the
        store, those workers have yet to beat, too.
        """

    @operation
    def register(
        self, worker: str, registrations: Sequence[Registration]
    ) -> tuple[LostSession, ...]:
        """Put at most BATCH of a worker's connected sessions back into another incarnation.

        Inserts an unknown session as it was, its token included. Replaces a lower generation, but
        keeps a final request for its end. Treats the same generation, if it is still this
        worker's, like a beat, and takes over its login. Leaves any other session alone: returns
        it if its generation is higher; otherwise the next beat reports it. A closed session does
        not come back, and a worker that has left registers nothing.
        """

    @operation
    def suspend(self, worker: str, departures: Sequence[Departure]) -> tuple[Session, ...]:
        """Mark at most BATCH connections as ended; the resume window starts now.

        Leaves a session of another generation or worker alone. Returns the sessions that this call
        or a repeat of it suspended.

        A departure by ``connection`` abandons that connection, even if its call succeeded: an
        ``open`` or ``resume`` for it that arrives within TOMBSTONE_MS finds a tombstone and does
        nothing.
        """

    @operation
    def close(
        self, worker: str, departures: Sequence[Departure], claimant: str
    ) -> tuple[Session, ...]:
        """End at most BATCH sessions for good: they become closing, claimed by the caller, who
        writes their history and then confirms. Leaves sessions alone like :meth:`suspend`."""

    @operation
    def confirm(self, sessions: Sequence[str]) -> None:
        """Delete at most BATCH closing sessions, after their history was written."""

    @operation
    def request_close(
        self, *, session: str = "", user: str = "", login: str = "", code: int, reason: str
    ) -> tuple[str, ...]:
        """Request the end of one session, or of all of a user or login; returns their ids.

        A connected session gets an entry in its worker's inbox. The next sweep closes a suspended
        one if the code is final; otherwise it is left alone. :meth:`open` and :meth:`resume`
        refuse a session that is being admitted meanwhile.
        """

    @operation
    def leave(self, worker: str) -> tuple[Session, ...]:
        """Give the worker's lease back, suspend all sessions it still has, and return them.

        A call of this worker that arrives within TOMBSTONE_MS comes too late: it renews no lease,
        and opens, resumes and registers nothing.
        """

    @read_operation
    def get(self, session: str) -> Session | None:
        """One connected or suspended session, or None."""

    @read_operation
    def page(self, query: Query, *, limit: int = 100, cursor: str = "") -> Page:
        """Connected and suspended sessions that match, a page at a time.

        The cursor is a position in the order, so sessions that come and go meanwhile shift no
        others. It may appear in a URL: it holds only ID_PREFIX_LEN characters of an id.
        Raises ValueError for an invalid cursor or limit.
        """

    @read_operation
    def of_user(self, user: str) -> tuple[Session, ...]:
        """All connected and suspended sessions of a user, newest first."""

    @read_operation
    def attendance(self, room: str) -> Attendance:
        """How many sessions are connected and in this room, and how many users have them;
        anonymous sessions count for no user."""

    @read_operation
    def presence(self, rooms: Mapping[str, str]) -> PresenceAnswer:
        """The presence of these rooms: of sessions that are connected or suspended and have a
        description there. Returns the rooms whose version differs from the one given; "" differs
        from all. A room with more than MAX_LISTED users is counted, not listed.

        A user with several sessions is listed once, with the description of the session whose id
        sorts last. Raises ValueError for more than MAX_PRESENCES rooms.
        """

    @read_operation
    def stats(self) -> Stats:
        """Counts over the whole registry."""

    @read_operation
    def workers(self) -> tuple[WorkerReport, ...]:
        """The last reports of the live workers, by host and process id."""

    @operation
    def sample(self) -> None:
        """Take a sample of the stats for the current bucket of SAMPLE_EVERY_MS, unless there is
        one. Deletes samples older than SAMPLES_KEPT_MS, and those in the future."""

    @read_operation
    def samples(self, *, after: int = 0) -> tuple[StatsSample, ...]:
        """The kept samples taken after ``after`` (epoch ms), oldest first; all of them if that is
        in the future."""

    @operation
    def sweep(self, claimant: str, *, limit: int = BATCH) -> Swept:
        """Suspend dead sessions, claim those to be closed: one step of at most ``limit`` each.

        The caller writes the history of what it claimed within ``claim_timeout`` and confirms;
        otherwise another sweep claims it again. A repeated call returns what its claimant has not
        confirmed yet. The first word of ``claimant`` is the id of its worker: if that worker has
        yet to beat, because it stood still or the clock was set, it suspends no session, as other
        workers may have yet to beat, too.
        """

    @read_operation
    def overdue(self) -> Overdue:
        """Count what a sweep would do now."""

    @operation
    def note_sweep(self, report: SweepReport) -> None:
        """Remember the last sweep for :meth:`stats`; the store sets its time."""

    @operation
    def probe(self) -> None:
        """Write a little and delete it again. Fails where no session could be opened, also for
        lack of memory or of permission to write."""


class BlockingStore(StoreContract, BlockingDriver):
    """A store for threads; ``log`` holds the messages of the rooms, see ``log.py``."""

    log: BlockingLog


class Store(StoreContract, LoopDriver):
    """A store for an event loop; ``blocking`` is the same store for threads."""

    blocking: BlockingStore
    log: Log

    @abstractmethod
    async def aclose(self) -> None:
        """Release this process's threads and connections."""
