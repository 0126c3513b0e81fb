"""The demo project with the packages of ``requirements/hosts.txt``."""

import subprocess
from collections.abc import Sequence

from tests.e2e.server_support import ROOT, Process
from tests.e2e.support import Project, Server, as_environ

FOLDER = ROOT / "build" / "hosts" / "bin"


def execute(arguments: Sequence[str], env: dict[str, str], out: int, err: int) -> Process:
    """``manage.py …``, or a program of these packages."""
    name, *rest = arguments
    program = [FOLDER / "python", name] if name == "manage.py" else [FOLDER / name]
    return subprocess.Popen([*program, *rest], cwd=ROOT, env=env, stdout=out, stderr=err)


class HostProject(Project):
    """One whose processes have these packages."""

    _begin = staticmethod(execute)

    def start(self, *arguments: str, **settings: object) -> Server:
        """Any server, with these settings besides the project's own."""
        return Server(execute, [*arguments], {**self.env, **as_environ(settings)})
