"""Writes sessions, workers and samples into the database, and counts sessions there."""

import json
import secrets
import time
from typing import Any

from tests.e2e.support import Project

TOTALS = ("pings", "pongs", "invalid_pongs", "misses", "frames_in", "frames_out")
TEXTS = ("agent", "end_reason", "close_reason", "claimant", "login", "rooms")
COLUMNS = """
    id state generation connection token_hash worker user username login address agent opened_at
    connected_at last_beat deadline visibility latency_ms missed pings pongs invalid_pongs misses
    frames_in frames_out end_code end_reason close_code close_reason claimant rooms
""".split()  # noqa: SIM905  # a list would take thirty lines


def insert_sessions(project: Project, count: int, **given: Any) -> list[str]:
    """Insert sessions of a worker "elsewhere"; returns their ids. ``given`` sets columns."""
    now = round(time.time() * 1000)
    base = {
        **dict.fromkeys(COLUMNS, 0),
        **dict.fromkeys(TEXTS, ""),
        **{"state": "connected", "generation": 1, "connection": "c", "token_hash": "t"},
        **{"worker": "elsewhere", "user": "900", "username": "zoe", "address": "203.0.113.9"},
        **{"opened_at": now - 90_000, "connected_at": now, "last_beat": now},
        **{"deadline": now + 3_600_000, "visibility": "visible", "latency_ms": 25.0, **given},
    }
    ids = [secrets.token_urlsafe(16) for _ in range(count)]
    marks = ", ".join("?" * len(COLUMNS))
    for start in range(0, count, 500):
        chunk = [{**base, "id": id_} for id_ in ids[start : start + 500]]
        values = [row[column] for row in chunk for column in COLUMNS]
        places = ", ".join([f"({marks})"] * len(chunk))
        sql = f"INSERT INTO realtime_livesession ({', '.join(COLUMNS)}) VALUES {places}"
        project.rows(sql, *values)
    return ids


def insert_worker(project: Project, connections: int) -> None:
    """Insert the worker "elsewhere" with a lease of an hour."""
    until = round(time.time() * 1000) + 3_600_000
    project.rows(
        "INSERT INTO realtime_worker (id, host, pid, lease_until, lost, folded, connections,"
        " pings, pongs, timeouts, published, delivered, replayed, skipped, latency)"
        " VALUES ('elsewhere', 'web-2', 77, ?, 0, 0, ?, 0, 0, 3, 0, 0, 0, 0, ?)",
        *(until, connections, json.dumps([[43, connections]])),
    )


def count_sessions(project: Project, where: str, what: str = "count(*)") -> int:
    """``what``, an SQL aggregate, over the sessions that match ``where``."""
    query = f"SELECT {what} AS n FROM realtime_livesession WHERE {where}"
    return int(project.rows(query)[0]["n"])


def insert_samples(project: Project) -> None:
    """Insert an hour of samples, one each ten seconds."""
    now = round(time.time() * 1000) // 10_000 * 10_000
    samples = [
        (now - n * 10_000, 43 + n % 7, n % 4, 24.0 + n % 3, 60.0 + 9 * (n % 5))
        for n in range(1, 360)
    ]
    places = ", ".join(["(?, ?, ?, ?, ?)"] * len(samples))
    sql = f"INSERT OR REPLACE INTO realtime_sample VALUES {places}"
    project.rows(sql, *[value for sample in samples for value in sample])
