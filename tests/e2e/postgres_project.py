"""The demo project on PostgreSQL."""

from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

from tests.polling import TIMEOUT

from .support import MAKE_USERS, Project

MIGRATE = """
from django.core.management import call_command
call_command("migrate", verbosity=0)
"""


class PostgresProject(Project):
    """A project whose database has a URL."""

    def __init__(self, url: str, *, environ: dict[str, str] | None = None, **settings: object):
        super().__init__(Path(), environ={"DATABASE_URL": url, **(environ or {})}, **settings)
        self.url = url

    @classmethod
    def new(cls, url: str, **options: Any) -> "PostgresProject":
        """A project whose empty database gets its tables and users."""
        project = cls(url, **options)
        project.shell(MIGRATE + MAKE_USERS)
        return project

    def rows(self, query: str, *parameters: object) -> list[dict[str, Any]]:
        with psycopg.connect(
            self.url, row_factory=dict_row, connect_timeout=int(TIMEOUT)
        ) as connection:
            cursor = connection.execute(query.replace("?", "%s").encode(), parameters)
            return cursor.fetchall() if cursor.description else []
