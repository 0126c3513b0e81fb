"""Thousands come and go: afterwards nothing is left of them, in Redis or in the worker.

``CHURN=20000 pytest -s --timeout=1500 tests/e2e/test_churn.py`` runs it at length and
prints the figures.
"""

import os
import sys
from contextlib import AsyncExitStack
from pathlib import Path

from tests.polling import eventually_in_thread
from tests.redis_server import RedisServer

from .redis_support import RedisProject, keys_of
from .support import Client, Server, connected
from .traces import Traces

SESSIONS = int(os.environ.get("CHURN", "200"))
USERS, AT_ONCE, WARM_UP = 100, 100, 100
WINDOW = 3.0

MAKE_LOGINS = f"""
from django.contrib.auth import SESSION_KEY, BACKEND_SESSION_KEY, HASH_SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
for number in range({USERS}):
    user = User(username=f"user {{number}}")
    user.set_unusable_password()
    user.save()
    login = SessionStore()
    login[SESSION_KEY] = str(user.pk)
    login[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    login[HASH_SESSION_KEY] = user.get_session_auth_hash()
    login.save()
    print(login.session_key)
"""


async def test_nothing_is_left(template: Path, tmp_path: Path, redis_server: RedisServer) -> None:
    """A third says bye, a third is lost, a third is lost and comes back first."""
    redis_server.flush()
    registry = RedisProject(
        template, tmp_path, redis_server, lease=2.0, resume_window=WINDOW, ping_interval=2.0
    )
    cookies = [f"sessionid={key}" for key in registry.project.shell(MAKE_LOGINS).split()]
    with registry.project.serve() as worker:
        await come_and_go(worker, cookies, WARM_UP)
        await cleared(registry)
        registry.store.sample()
        before = Traces(worker, redis_server)
        sys.stdout.write(f"\nafter {WARM_UP}: {before}\n")
        came = await come_and_go(worker, cookies, SESSIONS)
        await cleared(registry)
        after = Traces(worker, redis_server)
        sys.stdout.write(f"after {SESSIONS} more: {after}\n")
        after.assert_no_more_than(before)
        await eventually_in_thread(lambda: registry.rows().total() == came + WARM_UP, within=30.0)
        assert set(registry.rows().values()) == {1}
        for name in ("opened", "closed"):
            assert registry.signals(name) == registry.rows(), name
        assert not worker.complaints()


async def come_and_go(worker: Server, cookies: list[str], sessions: int) -> int:
    """So many sessions, AT_ONCE together; how many there were."""
    for first in range(0, sessions, AT_ONCE):
        async with AsyncExitStack() as stack:
            clients = [
                await stack.enter_async_context(connected(worker, cookies[number % USERS]))
                for number in range(first, min(first + AT_ONCE, sessions))
            ]
            for number, client in enumerate(clients):
                await end(worker, cookies[(first + number) % USERS], client, number % 3)
    return sessions


async def end(worker: Server, cookie: str, client: Client, way: int) -> None:
    """One of three ways to go."""
    if way == 0:
        await client.send(type="bye")
        await client.closed()
        return
    await client.lose()
    if way == 2:
        async with connected(worker, cookie, resume=client.ticket) as again:
            assert again.welcome["resumed"]
            await again.send(type="bye")
            await again.closed()


async def cleared(registry: RedisProject) -> None:
    """Wait until the last resume window is over and the sweep has been."""
    await eventually_in_thread(
        lambda: not any(":session:" in key for key in keys_of(registry.redis)),
        within=WINDOW + 15.0,
    )
