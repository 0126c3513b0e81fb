"""Users with sessions, in a PostgreSQL database that every run copies."""

from dataclasses import dataclass
from pathlib import Path

import psycopg

from tests.postgres_server import PostgresServer, programs

from ..support import Project

USERS = 8
TEMPLATE = "chaos"

MAKE_LOGINS = f"""
from datetime import timedelta
from django.contrib.auth import SESSION_KEY, BACKEND_SESSION_KEY, HASH_SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.utils import timezone
for number in range({USERS}):
    user = User(username=f"chaos {{number}}")
    user.set_unusable_password()
    user.save()
    data = {{
        SESSION_KEY: str(user.pk),
        BACKEND_SESSION_KEY: "django.contrib.auth.backends.ModelBackend",
        HASH_SESSION_KEY: user.get_session_auth_hash(),
    }}
    Session.objects.create(
        session_key=f"chaos{{user.pk:027}}",
        session_data=SessionStore().encode(data),
        expire_date=timezone.now() + timedelta(days=1),
    )
"""


@dataclass(frozen=True, slots=True)
class Login:
    """A user by primary key, and a session's cookie."""

    user: str
    cookie: str

    @property
    def room(self) -> str:
        return f"user:{self.user}"


def make_server() -> PostgresServer:
    """A PostgreSQL with the template of all runs. Close it."""
    found = programs()
    assert found is not None, "expected PostgreSQL's programs (Debian: postgresql)"
    server = PostgresServer(found)
    url = server.create(TEMPLATE)
    project = Project(Path(TEMPLATE), environ={"DATABASE_URL": url})
    project.manage("migrate", "--verbosity=0")
    project.shell(MAKE_LOGINS)
    return server


def logins_in(url: str) -> list[Login]:
    """All logins of a run's database; a session's key tells whose it is."""
    query = "SELECT session_key FROM django_session WHERE session_key LIKE 'chaos%' ORDER BY 1"
    with psycopg.connect(url) as connection:
        keys = [key for (key,) in connection.execute(query)]
    return [Login(str(int(key.removeprefix("chaos"))), f"sessionid={key}") for key in keys]
