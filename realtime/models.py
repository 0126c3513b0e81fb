"""The database tables: live sessions and workers (the database store) and the history."""

import secrets

from django.db import models
from django.utils.translation import gettext_lazy as _


class Counters(models.Model):
    """What a session counts over all its connections."""

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

    ``deadline`` is when a sweep acts: on a connected session after its last beat +
    SESSION_TIMEOUT + LEASE, on a suspended one at the end of the resume window, on
    a closing one when its claim expires. ``since`` is when the latter two were set, and
    counts in these states only: one that lies ahead was told by a clock that was wrong.
    ``worker`` is empty after an orderly end, so that only a session lost to its worker can
    be taken up again by it.
    """

    id = models.CharField(primary_key=True, max_length=64)
    state = models.CharField(max_length=10)
    generation = models.PositiveIntegerField(default=1)
    connection = models.CharField(max_length=64)
    token_hash = models.CharField(max_length=64)
    worker = models.CharField(max_length=32, blank=True)
    # As text: any user model, UUID keys too.
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
    # Their names, with spaces between them; in memberships they are what is searched.
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
    """A session in a room, as its row says; stays while the session is suspended."""

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


class Tombstone(models.Model):
    """What is over and must not come back: a session that was closed, a connection that its
    worker has given up, a worker that has left; also that the end of a login, a user or a session
    was asked for, see ``ends.py``. Forgotten after ``expires_at``.

    A session's may hold a verdict, which a client that has its token is told from ``since`` until
    ``told_until``; all times in epoch ms.
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
    """A worker's lease and what it reports of itself; ``lease_until`` in epoch ms, and so is
    ``beat_at``, with which the lease began.

    A lost worker's row stays for a month, so that one that was only frozen finds its counts
    where it left them and nothing is counted twice. They are ``folded`` into the registry's
    after a day.
    """

    id = models.CharField(primary_key=True, max_length=32)
    host = models.CharField(max_length=255, blank=True)
    pid = models.PositiveIntegerField(default=0)
    lease_until = models.BigIntegerField(db_index=True)
    beat_at = models.BigIntegerField(default=0, db_default=0)
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

    def __str__(self) -> str:
        return f"{self.host}:{self.pid}"


class Sample(models.Model):
    """A point of the admin's chart, taken by whichever worker was first; ``at`` in epoch ms."""

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
    """A name that nobody has had before."""
    return secrets.token_hex(8)


class Registry(models.Model):
    """One row: the counts of workers long gone, the last sweep, when a worker noticed last that the
    clock was set back, and from when (epoch ms), the name of all this content, which goes when it
    goes, and whose it is."""

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
    # Whose all this is: the fingerprint of its secret key. Releases that know nothing of it insert
    # rows, too.
    owner_key = models.CharField(max_length=64, blank=True, default="", db_default="")
    layout = models.PositiveIntegerField(default=0, db_default=0)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return "registry"


class RoomLog(models.Model):
    """Where a room's log ends: it holds the entries from ``oldest`` to ``top``. ``size`` counts
    their bytes. ``touched_at`` is the last append or, later, the last time that somebody
    needed to know; epoch ms."""

    room = models.CharField(primary_key=True, max_length=100)
    epoch = models.CharField(max_length=32)
    top = models.BigIntegerField(default=0)
    oldest = models.BigIntegerField(default=1)
    size = models.BigIntegerField(default=0)
    appended_at = models.BigIntegerField(default=0)
    touched_at = models.BigIntegerField(db_index=True)

    class Meta:
        default_permissions = ()
        # Those that hold entries: a few of all the rooms that there have been.
        indexes = [
            models.Index(
                fields=["appended_at"], condition=models.Q(size__gt=0), name="realtime_log_held"
            )
        ]

    def __str__(self) -> str:
        return f"{self.room} {self.top}"


class RoomEntry(models.Model):
    """A publication in a room's log; ``time`` in epoch ms, ``data`` is JSON, ``size`` its bytes."""

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
    """What was published under a key, and where; forgotten at ``expires_at``, epoch ms."""

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
    """One row for each session that has ended, whoever noticed; kept for HISTORY_DAYS."""

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
