"""The records that a store takes and returns: frozen, with times in epoch milliseconds.

All times come from the store's own clock (no method takes one), so records of different workers
compare. They are structs because one is made for every session of a beat: that takes an eighth of
the time of a frozen dataclass.
"""

from enum import Enum

from msgspec import Struct

from .histogram import Sparse


class SessionState(Enum):
    """The state of a session. Closed ones are in the history, not in the store."""

    CONNECTED = "connected"
    SUSPENDED = "suspended"
    CLOSING = "closing"


class Totals(Struct, frozen=True):
    """Counts of a session since it began, over all its connections."""

    pings: int = 0
    pongs: int = 0
    invalid_pongs: int = 0
    misses: int = 0
    frames_in: int = 0
    frames_out: int = 0


class Peer(Struct, frozen=True):
    """The client of a connection. ``user`` is the primary key as text, "" if anonymous; ``login`` a
    digest of the Django session key, so that a logout finds its connections."""

    user: str = ""
    username: str = ""
    login: str = ""
    address: str = ""
    agent: str = ""


class Session(Struct, frozen=True):
    """One session as the store knows it.

    ``generation`` is 1 plus its resumes. ``end_code`` and ``end_reason`` say how the last
    connection ended; they are 0 and "" while connected. ``latency_ms`` is the last one measured.
    ``rooms`` are sorted: those it is in, or was in when its connection ended. ``turn`` is that of
    its client's last successful attempt: 0 for the one that opened it.
    """

    id: str
    state: SessionState
    generation: int
    worker: str
    peer: Peer
    opened_at: int
    connected_at: int
    last_beat: int
    visibility: str = "visible"
    latency_ms: float | None = None
    missed: int = 0
    totals: Totals = Totals()
    end_code: int = 0
    end_reason: str = ""
    rooms: tuple[str, ...] = ()
    turn: int = 0


class Opening(Struct, frozen=True):
    """A connection that opens or resumes a session. ``connection`` is unique to it, so that the
    store recognises a repeated call; ``token_hash`` is the digest of the session's secret.
    ``rooms`` are all that the session is in from now on, sorted. ``turn`` rises with every attempt
    of a client to resume; None counts as the session's last one plus one. ``age_ms`` is how long
    ago the connection came: its user was determined since then. ``presence`` has the rooms in which
    the session is present, each with the description of its user, as JSON."""

    session: str
    token_hash: str
    connection: str
    worker: str
    peer: Peer
    visibility: str = "visible"
    rooms: tuple[str, ...] = ()
    turn: int | None = None
    age_ms: int = 0
    presence: dict[str, str] = {}


class Verdict(Struct, frozen=True):
    """Why a client gets no session: the close code and reason to send."""

    code: int
    reason: str


class SessionLimit(Struct, frozen=True):
    """How many sessions a user may have at a time, and whether one more closes the oldest
    connected ones or is refused."""

    max_sessions: int
    evict_oldest: bool


class SessionUpdate(Struct, frozen=True):
    """One session's part of a beat: absolute values, so that a repeat changes nothing.

    ``idle_ms`` is how long ago it last proved to be alive. ``rooms`` are all it is in, sorted, and
    ``presence`` is as in its :class:`Opening`; each None if the store knows it already.
    """

    session: str
    generation: int
    latency_ms: float | None
    missed: int
    visibility: str
    totals: Totals
    idle_ms: int = 0
    rooms: tuple[str, ...] | None = None
    presence: dict[str, str] | None = None


class Registration(Struct, frozen=True):
    """A connected session as its worker knows it, for a store that may have lost it.

    ``token_hash``, ``connection`` and ``presence`` are as in its :class:`Opening`; ``idle_ms`` is
    that of a :class:`SessionUpdate`.
    """

    session: Session
    token_hash: str
    connection: str
    idle_ms: int = 0
    presence: dict[str, str] = {}


class Departure(Struct, frozen=True):
    """The end of a connection: its last values, and why it ended.

    For a connection that its worker abandoned because no answer came, ``connection`` (as in its
    :class:`Opening`) replaces the generation, and ``update`` has no values.
    """

    update: SessionUpdate
    code: int
    reason: str
    connection: str = ""


class Deliveries(Struct, frozen=True):
    """Counts of publications: ``published`` by this process; ``delivered`` to members live,
    ``replayed`` to them from the log, ``skipped`` for members that were sent a gap instead."""

    published: int = 0
    delivered: int = 0
    replayed: int = 0
    skipped: int = 0


class WorkerReport(Struct, frozen=True):
    """A worker's report with every beat; counts since it started.

    ``latency`` is the histogram of its connected sessions, see ``histogram.py``.
    """

    id: str
    host: str
    pid: int
    connections: int
    pings: int = 0
    pongs: int = 0
    timeouts: int = 0
    latency: Sparse = ()
    deliveries: Deliveries = Deliveries()


class CloseRequest(Struct, frozen=True):
    """An entry of a worker's inbox: close this session's connection with this code and reason."""

    session: str
    generation: int
    code: int
    reason: str


class LossReason(Enum):
    """Why a session of a beat is no longer the worker's."""

    UNKNOWN = "unknown"  # closed meanwhile, or never known
    TAKEN_OVER = "taken_over"  # resumed elsewhere: a higher generation


class LostSession(Struct, frozen=True):
    """A session of a beat that is no longer the worker's."""

    session: str
    generation: int
    reason: LossReason


class BeatAnswer(Struct, frozen=True):
    """The store's answer to a beat.

    ``renewed`` is False if this worker's lease had ended or is new: it then beats all its sessions
    again. ``online`` counts the sessions connected now, over all ``workers`` whose lease runs, this
    one included. ``suspended`` belonged to workers whose lease has ended.

    ``incarnation`` names the store's present content. If it changes, the store was emptied,
    restarted or replaced, and may have lost what was written to it. ``at`` is the store's time.
    """

    renewed: bool
    online: int
    workers: int
    incarnation: str
    inbox: tuple[CloseRequest, ...] = ()
    lost: tuple[LostSession, ...] = ()
    suspended: tuple[Session, ...] = ()
    at: int = 0


class Swept(Struct, frozen=True):
    """One bounded step of a sweep: the sessions suspended, and those claimed for the caller."""

    suspended: tuple[Session, ...]
    claimed: tuple[Session, ...]
    workers_lost: int


class Overdue(Struct, frozen=True):
    """Counts of what a sweep would do now."""

    suspend: int
    close: int
    workers_lost: int


class Stats(Struct, frozen=True):
    """Counts over the whole registry. ``healthy`` ones have no miss now; totals are of all time.

    ``latency_p50`` and ``latency_p95`` are over the connected sessions of all workers,
    in ms, within ``histogram.RELATIVE_ERROR``; None without data.
    """

    connected: int
    users: int
    healthy: int
    unhealthy: int
    suspended: int
    workers: int
    pings: int
    pongs: int
    timeouts: int
    last_sweep: "SweepReport | None" = None
    latency_p50: float | None = None
    latency_p95: float | None = None
    deliveries: Deliveries = Deliveries()


class Attendance(Struct, frozen=True):
    """How many sessions are connected and in a room, and how many users they belong to."""

    sessions: int
    users: int


class RoomPresence(Struct, frozen=True):
    """The presence of a room: how many ``sessions``, the anonymous ones included, and ``users``.
    ``listed`` has the users, each with a description as JSON; None if there are too many. The
    ``version`` changes with each of these."""

    version: str
    sessions: int
    users: int
    listed: dict[str, str] | None


class PresenceAnswer(Struct, frozen=True):
    """The presence of the ``rooms`` whose version differs from the one that the caller knows.
    ``incarnation`` is as in :class:`BeatAnswer`; "" before the first beat."""

    incarnation: str
    rooms: dict[str, RoomPresence]


class StatsSample(Struct, frozen=True):
    """A point of the chart: what the live workers had reported at ``at``, epoch milliseconds."""

    at: int
    connected: int
    suspended: int
    latency_p50: float | None
    latency_p95: float | None


class SweepReport(Struct, frozen=True):
    """The counts of a finished sweep. ``at`` is in epoch milliseconds, 0 for a dry run."""

    suspended: int
    closed: int
    workers_lost: int
    history_pruned: int
    took_ms: float
    dry_run: bool = False
    at: int = 0


class Order(Enum):
    """How a page is sorted: newest start first, or longest without a beat first."""

    STARTED = "started"
    LAST_BEAT = "last_beat"


class Query(Struct, frozen=True):
    """A filter of sessions: every field that is set must match exactly; ``prefix`` is of the id,
    and only connected sessions are in a ``room``."""

    user: str = ""
    address: str = ""
    prefix: str = ""
    state: SessionState | None = None
    worker: str = ""
    room: str = ""
    order: Order = Order.STARTED


class Page(Struct, frozen=True):
    """Some sessions, and the cursor of what follows ("" at the end)."""

    sessions: tuple[Session, ...]
    cursor: str = ""
