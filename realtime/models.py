"""The database tables: those of the database store, and the history of closed sessions."""

import secrets

from django.db import models
from django.utils.translation import gettext_lazy as _

# Every database of a supported Django has it. Unless it is named, Django's check tries it on SQLite
# by a transaction, and takes a locked file for a database without it.
JSON = ["supports_json_field"]


class Counters(models.Model):
    """The counts of a session over all its connections."""

    pings = models.BigIntegerField(default=0)
    pongs = models.BigIntegerField(default=0)
    invalid_pongs = models.BigIntegerField(default=0)
    misses = models.BigIntegerField(default=0)
    frames_in = models.BigIntegerField(default=0)
    frames_out = models.BigIntegerField(default=0)

    class Meta:
        abstract = True


class LiveSession(Counters):
    """A session of the database store, from ``open`` to ``confirm``; times in epoch ms.

    A sweep acts at ``deadline``: for a connected session SESSION_TIMEOUT + LEASE after its last
    beat, for a suspended one at the end of the resume window, for a closing one when its claim
    expires. ``since`` is when a suspended or closing one got its deadline, and has no meaning in
    other states; a time in the future came from a wrong clock. ``worker`` is empty after an
    orderly end, so that a worker can reattach only sessions that it has lost.
    """

    id = models.CharField(primary_key=True, max_length=64)
    state = models.CharField(max_length=10)
    generation = models.PositiveIntegerField(default=1)
    connection = models.CharField(max_length=64)
    token_hash = models.CharField(max_length=64)
    worker = models.CharField(max_length=32, blank=True)
    # The primary key as text, so that any user model may be used.
    user = models.CharField(max_length=255, blank=True, db_index=True)
    username = models.CharField(max_length=255, blank=True)
    login = models.CharField(max_length=64, blank=True, db_index=True)
    address = models.CharField(max_length=64, blank=True, db_index=True)
    agent = models.CharField(max_length=300, blank=True)
    opened_at = models.BigIntegerField(db_index=True)
    connected_at = models.BigIntegerField()
    last_beat = models.BigIntegerField(db_index=True)
    deadline = models.BigIntegerField()
    since = models.BigIntegerField(null=True)
    visibility = models.CharField(max_length=10, default="visible")
    latency_ms = models.FloatField(null=True)
    missed = models.PositiveIntegerField(default=0)
    end_code = models.PositiveIntegerField(default=0)
    end_reason = models.CharField(max_length=200, blank=True)
    close_code = models.PositiveIntegerField(default=0)
    close_reason = models.CharField(max_length=200, blank=True)
    claimant = models.CharField(max_length=64, blank=True)
    # Names, separated by spaces; queries use memberships.
    rooms = models.TextField(blank=True)
    turn = models.BigIntegerField(default=0, db_default=0)

    class Meta:
        verbose_name = _("live session")
        verbose_name_plural = _("live sessions")
        default_permissions = ("view",)
        permissions = [("disconnect_livesession", "Can disconnect live sessions")]
        indexes = [
            models.Index(fields=["state", "deadline"], name="realtime_live_deadline"),
            models.Index(fields=["worker", "close_code"], name="realtime_live_inbox"),
        ]

    def __str__(self) -> str:
        return f"{self.username or self.user or 'anonymous'} {self.id[:8]}"


class Membership(models.Model):
    """A session in a room, as in its ``rooms``; stays while the session is suspended."""

    session = models.ForeignKey(
        LiveSession, on_delete=models.CASCADE, related_name="memberships", db_index=False
    )
    room = models.CharField(max_length=100, db_index=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["session", "room"], name="realtime_membership_once")
        ]

    def __str__(self) -> str:
        return f"{self.session_id[:8]} in {self.room}"


class PresentSession(models.Model):
    """A room where a session is present, while it is connected or suspended, with the description
    of its user as JSON. The database checks no session: a release before this table deletes
    sessions without their presence, and rows without a session count for nothing."""

    session = models.ForeignKey(
        LiveSession,
        on_delete=models.CASCADE,
        related_name="presences",
        db_index=False,
        db_constraint=False,
    )
    room = models.CharField(max_length=100, db_index=True)
    data = models.TextField()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["session", "room"], name="realtime_presence_once")
        ]

    def __str__(self) -> str:
        return f"{self.session_id[:8]} in {self.room}"


class Tombstone(models.Model):
    """Marks what has ended and must not come back: a closed session, a connection that its worker
    has reported as gone, a worker that has left, and a requested end of a login, a user or a
    session. Deleted after ``expires_at``.

    That of a session may hold a verdict: from ``since`` until ``told_until`` a client with the
    session's token gets ``code`` and ``reason``. All times in epoch ms.
    """

    name = models.CharField(primary_key=True, max_length=64)
    expires_at = models.BigIntegerField(db_index=True)
    told_until = models.BigIntegerField(default=0)
    since = models.BigIntegerField(default=0, db_default=0)
    code = models.PositiveIntegerField(default=0)
    reason = models.CharField(max_length=200, blank=True)
    token_hash = models.CharField(max_length=64, blank=True)
    user = models.CharField(max_length=255, blank=True)
    login = models.CharField(max_length=64, blank=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.name[:8]


class Worker(models.Model):
    """A worker's lease, from ``beat_at`` to ``lease_until`` in epoch ms, and its report. Until
    ``still_until`` a worker whose lease had ended without its doing suspends no session.

    The row of a lost worker stays for a month, so that nothing is counted twice if the worker was
    only frozen. After a day its counts are ``folded`` into the registry's.
    """

    id = models.CharField(primary_key=True, max_length=32)
    host = models.CharField(max_length=255, blank=True)
    pid = models.PositiveIntegerField(default=0)
    lease_until = models.BigIntegerField(db_index=True)
    beat_at = models.BigIntegerField(default=0, db_default=0)
    still_until = models.BigIntegerField(default=0, db_default=0)
    lost = models.BooleanField(default=False)
    folded = models.BooleanField(default=False)
    connections = models.PositiveIntegerField(default=0)
    pings = models.BigIntegerField(default=0)
    pongs = models.BigIntegerField(default=0)
    timeouts = models.BigIntegerField(default=0)
    published = models.BigIntegerField(default=0)
    delivered = models.BigIntegerField(default=0)
    replayed = models.BigIntegerField(default=0)
    skipped = models.BigIntegerField(default=0)
    latency = models.JSONField(default=list)

    class Meta:
        default_permissions = ()
        required_db_features = JSON

    def __str__(self) -> str:
        return f"{self.host}:{self.pid}"


class Sample(models.Model):
    """A point of the admin's chart; the first worker to take it writes it. ``at`` in epoch ms."""

    at = models.BigIntegerField(primary_key=True)
    connected = models.PositiveIntegerField()
    suspended = models.PositiveIntegerField()
    latency_p50 = models.FloatField(null=True)
    latency_p95 = models.FloatField(null=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.at)


def new_incarnation() -> str:
    """A random name for a new registry."""
    return secrets.token_hex(8)


class Registry(models.Model):
    """The one row about the whole store: the counts of former workers, the last sweep, and when
    the clock was last seen to be set back, and from when (epoch ms). ``incarnation`` names this
    content of the store, and is lost with it."""

    pings = models.BigIntegerField(default=0)
    pongs = models.BigIntegerField(default=0)
    timeouts = models.BigIntegerField(default=0)
    published = models.BigIntegerField(default=0)
    delivered = models.BigIntegerField(default=0)
    replayed = models.BigIntegerField(default=0)
    skipped = models.BigIntegerField(default=0)
    last_sweep = models.JSONField(null=True)
    set_back_at = models.BigIntegerField(default=0, db_default=0)
    set_back_from = models.BigIntegerField(default=0, db_default=0)
    incarnation = models.CharField(max_length=32, default=new_incarnation)
    # The fingerprint of the owner's secret key. Older releases insert rows without it.
    owner_key = models.CharField(max_length=64, blank=True, default="", db_default="")
    layout = models.PositiveIntegerField(default=0, db_default=0)

    class Meta:
        default_permissions = ()
        required_db_features = JSON

    def __str__(self) -> str:
        return "registry"


class RoomLog(models.Model):
    """The end of a room's log. It holds the entries from ``oldest`` to ``top``, ``size`` in bytes.
    ``touched_at`` is the last append or, if later, the last read of the end; epoch ms."""

    room = models.CharField(primary_key=True, max_length=100)
    epoch = models.CharField(max_length=32)
    top = models.BigIntegerField(default=0)
    oldest = models.BigIntegerField(default=1)
    size = models.BigIntegerField(default=0)
    appended_at = models.BigIntegerField(default=0)
    touched_at = models.BigIntegerField(db_index=True)

    class Meta:
        default_permissions = ()
        # A database without conditions stores the history only: no warning about the index there.
        required_db_features = ["supports_partial_indexes"]
        # Logs that hold entries: few of all rooms that there have been.
        indexes = [
            models.Index(
                fields=["appended_at"], condition=models.Q(size__gt=0), name="realtime_log_held"
            )
        ]

    def __str__(self) -> str:
        return f"{self.room} {self.top}"


class RoomEntry(models.Model):
    """A publication in a room's log: ``time`` in epoch ms, ``data`` as JSON, ``size`` in bytes."""

    log = models.ForeignKey(
        RoomLog, on_delete=models.CASCADE, related_name="entries", db_index=False
    )
    offset = models.BigIntegerField()
    time = models.BigIntegerField()
    size = models.PositiveIntegerField()
    data = models.TextField()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["log", "offset"], name="realtime_entry_once")
        ]

    def __str__(self) -> str:
        return f"{self.log_id} {self.offset}"


class RoomKey(models.Model):
    """Where a publication with a key stands; deleted after ``expires_at``. Times in epoch ms."""

    room = models.CharField(max_length=100)
    key = models.CharField(max_length=500)
    epoch = models.CharField(max_length=32)
    offset = models.BigIntegerField()
    time = models.BigIntegerField()
    expires_at = models.BigIntegerField(db_index=True)

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["room", "key"], name="realtime_key_once")]

    def __str__(self) -> str:
        return f"{self.room} {self.offset}"


class ClosedSession(Counters):
    """The history row of a session that has ended; kept for HISTORY_DAYS."""

    session = models.CharField(max_length=64, unique=True)
    user = models.CharField(max_length=255, blank=True, db_index=True)
    username = models.CharField(max_length=255, blank=True)
    address = models.CharField(max_length=64, blank=True)
    agent = models.CharField(max_length=300, blank=True)
    opened_at = models.DateTimeField()
    last_seen = models.DateTimeField(help_text=_("The last proof of life."))
    closed_at = models.DateTimeField(db_index=True)
    duration = models.FloatField(help_text=_("Seconds from the start to the last proof of life."))
    resumes = models.PositiveIntegerField(default=0)
    code = models.PositiveIntegerField()
    reason = models.CharField(max_length=200, blank=True)

    class Meta:
        verbose_name = _("closed session")
        verbose_name_plural = _("closed sessions")
        ordering = ["-closed_at", "-id"]
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.username or self.user or 'anonymous'} {self.code}"
