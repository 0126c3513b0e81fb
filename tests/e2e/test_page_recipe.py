"""No gap between a page and its connection: the recipe of the docs, while others write."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.postgres_server import PostgresServer
from tests.redis_server import RedisServer

from .postgres_project import PostgresProject
from .room_server import rooms_project
from .support import Project

RUN = """
import json
from tests.e2e import page_recipe
print(json.dumps(page_recipe.main(page_recipe.documented(whole=%s))))
"""

MakeProject = Callable[[str, str], Project]


def visit(project: Project, *, whole: bool) -> dict[str, list[str]]:
    """The texts that were written, shown and received."""
    page: dict[str, list[str]] = json.loads(project.shell(RUN % whole))
    return page


@pytest.fixture(scope="module")
def migrated(postgres_server: PostgresServer) -> str:
    """The name of a database to copy, with tables and users."""
    PostgresProject.new(postgres_server.create("recipe"))
    return "recipe"


@pytest.fixture
def make_project(request: pytest.FixtureRequest, template: Path, tmp_path: Path) -> MakeProject:
    """Makes a project on a database, with its sessions and logs there or in Redis."""

    def make(database: str, store: str) -> Project:
        environ = {"DJANGO_SETTINGS_MODULE": "tests.e2e.rooms_project"}
        if store == "redis":
            server: RedisServer = request.getfixturevalue("redis_server")
            server.flush()
            environ["REDIS_URL"] = server.url
        if database == "sqlite":
            return rooms_project(template, tmp_path, environ=environ)
        postgres: PostgresServer = request.getfixturevalue("postgres_server")
        migrated: str = request.getfixturevalue("migrated")
        url = postgres.create(f"{migrated}_{store}_{tmp_path.name}", template=migrated)
        return PostgresProject(url, environ=environ)

    return make


@pytest.mark.parametrize("store", ["database", "redis"])
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_a_page_by_the_recipe_misses_nothing(
    make_project: MakeProject, database: str, store: str
) -> None:
    page = visit(make_project(database, store), whole=True)
    assert set(page["shown"]) | set(page["received"]) == set(page["written"])
    assert page["received"] == page["written"][-len(page["received"]) :]
    assert len(page["shown"]) > 3
    assert len(page["received"]) > 1


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_a_position_within_the_transaction_leaves_a_hole(
    make_project: MakeProject, database: str
) -> None:
    """So the test above would find one. The first query is that of the session."""
    page = visit(make_project(database, "redis"), whole=False)
    assert set(page["written"]) - set(page["shown"]) - set(page["received"])
