"""What travels between a store and its callers: frozen records, times in epoch milliseconds.

All times come from the store's own clock (:meth:`Store.beat` and the others never
take one), so records of different workers compare.

They are structs because one is made for every beat: that takes an eighth of the time that a
frozen dataclass would.
"""

from enum import Enum

from msgspec import Struct

from .histogram import Sparse


class SessionState(Enum):
    """Where a session stands. Closed sessions are in the history, not in the store."""

    CONNECTED = "connected"
    SUSPENDED = "suspended"
    CLOSING = "closing"


class Totals(Struct, frozen=True):
    """What a session has counted since it began, over all its connections."""

    pings: int = 0
    pongs: int = 0
    invalid_pongs: int = 0
    misses: int = 0
    frames_in: int = 0
    frames_out: int = 0


class Peer(Struct, frozen=True):
    """Who connects and from where. ``user`` is the primary key as text, "" if anonymous.

    ``login`` is a digest of the Django session key, so that a logout finds its sockets.
    """

    user: str = ""
    username: str = ""
    login: str = ""
    address: str = ""
    agent: str = ""


class Session(Struct, frozen=True):
    """One session as the store knows it.

    ``generation`` counts its resumes. ``end_code`` and ``end_reason`` say how the
    last connection ended and are 0 and "" while connected. ``latency_ms`` is the
    last measured one. ``rooms`` are those it is in, or was in when its connection ended,
    sorted. ``turn`` is that of the attempt that it follows: 0 for the one that opened it.
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
    """A connection that asks for a session. ``connection`` is unique to it, so that a
    repeated call is recognised; ``token_hash`` is the digest of the session's secret.
    ``rooms`` are all that the session is in from now on, sorted. ``turn`` rises with every
    attempt of a client to resume; None counts as the session's last one plus one. ``age_ms``
    is how long ago the connection came: who it is was found out since then."""

    session: str
    token_hash: str
    connection: str
    worker: str
    peer: Peer
    visibility: str = "visible"
    rooms: tuple[str, ...] = ()
    turn: int | None = None
    age_ms: int = 0


class Verdict(Struct, frozen=True):
    """Why a client may not resume its session: the close code and the reason that it is told."""

    code: int
    reason: str


class SessionLimit(Struct, frozen=True):
    """How many sessions a user may have at a time, and who gives way to one more:
    nobody who is connected, or the oldest."""

    limit: int
    evict_oldest: bool


class SessionUpdate(Struct, frozen=True):
    """One session's part of a beat: absolute values, so that a repeat changes nothing.

    ``idle_ms`` is how long ago its last proof of life was. ``rooms`` are all it is in, sorted;
    None if the store has heard of them.
    """

    session: str
    generation: int
    latency_ms: float | None
    missed: int
    visibility: str
    totals: Totals
    idle_ms: int = 0
    rooms: tuple[str, ...] | None = None


class Registration(Struct, frozen=True):
    """A connected session as its worker knows it, for a store that may have lost it.

    ``token_hash`` and ``connection`` are those of its :class:`Opening`; ``idle_ms`` is
    that of a :class:`SessionUpdate`.
    """

    session: Session
    token_hash: str
    connection: str
    idle_ms: int = 0


class Departure(Struct, frozen=True):
    """The end of a connection: its last values, and why it ended.

    ``connection``, as in its :class:`Opening`, stands for the generation of one that its
    worker has given up because no answer came; it then has no values of its own.
    """

    pulse: SessionUpdate
    code: int
    reason: str
    connection: str = ""


class Deliveries(Struct, frozen=True):
    """What became of publications: ``published`` by this process; ``delivered`` to members
    as they came, ``replayed`` to them from the log, ``skipped`` because a member was told
    that they are lost to it."""

    published: int = 0
    delivered: int = 0
    replayed: int = 0
    skipped: int = 0


class WorkerReport(Struct, frozen=True):
    """What a worker says of itself with every beat; counts since it started.

    ``latency`` is the histogram of its connected sessions, see ``store/histogram.py``.
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
    """An entry of a worker's inbox: close this session's connection, and why."""

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
    loss: LossReason


class BeatAnswer(Struct, frozen=True):
    """The store's answer to a beat.

    ``renewed`` is False when this worker's lease had lapsed or is new: it then
    beats all its sessions again. ``online`` counts the sessions connected now, over
    all ``workers`` whose lease runs, this one included. ``suspended`` belonged to workers
    whose lease has ended.

    ``incarnation`` names the store's present content. Another one than before means that
    the store was emptied, restarted or replaced, and may have lost what it was told. ``at`` is
    the store's time.
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
    """One bounded step of a sweep: who was suspended, and whom the caller shall finish."""

    suspended: tuple[Session, ...]
    claimed: tuple[Session, ...]
    workers_lost: int


class Overdue(Struct, frozen=True):
    """What a sweep would do now."""

    suspend: int
    close: int
    workers_lost: int


class Stats(Struct, frozen=True):
    """Counts over the whole registry. ``healthy`` have no miss now; totals are for all time.

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


class StatsSample(Struct, frozen=True):
    """A point of the chart: what the live workers reported at ``at``, epoch milliseconds."""

    at: int
    connected: int
    suspended: int
    latency_p50: float | None
    latency_p95: float | None


class SweepReport(Struct, frozen=True):
    """What a sweep did. ``at`` is in epoch milliseconds, 0 for a dry run."""

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
    """Which sessions: every field that is set must match exactly; ``prefix`` is of the id,
    and only connected ones are in a ``room``."""

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
