"""The demo project with the packages of ``requirements/hosts.txt``."""

import subprocess
from collections.abc import Sequence
from contextlib import suppress

import httpx

from tests.e2e.server_support import ROOT, Process
from tests.e2e.support import NO_TLS, Project, Server, as_environ, free_port

FOLDER = ROOT / "build" / "hosts" / "bin"


def execute(arguments: Sequence[str], env: dict[str, str], out: int, err: int) -> Process:
    """``manage.py …``, or a program of these packages."""
    name, *rest = arguments
    program = [FOLDER / "python", name] if name == "manage.py" else [FOLDER / name]
    return subprocess.Popen([*program, *rest], cwd=ROOT, env=env, stdout=out, stderr=err)


class HostProject(Project):
    """One whose processes have these packages."""

    _begin = staticmethod(execute)

    def host(self, *arguments: str, **settings: object) -> Server:
        """Another server, with these settings besides the project's own. In its arguments
        ``{port}`` is that to listen on."""
        return Host(free_port(), arguments, {**self.env, **as_environ(settings)})


class Host(Server):
    """A server of others, known by its port."""

    def __init__(self, port: int, arguments: Sequence[str], env: dict[str, str]) -> None:
        self._port = port
        super().__init__(execute, [each.format(port=port) for each in arguments], env)

    def _ports(self) -> list[str]:
        """Its port, once it answers there: a parent may listen long before its worker serves."""
        assert self.process.poll() is None, "".join(self.log)
        with suppress(httpx.TransportError):
            httpx.get(f"http://127.0.0.1:{self._port}/realtime/live/", timeout=1, verify=NO_TLS)
            return [str(self._port)]
        return []
