"""`manage.py demo` sets the demo up and serves it."""

import os
import secrets
import socket
import sys
from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.management.base import BaseCommand

HOST = "127.0.0.1"


class Command(BaseCommand):
    """Migrates, creates two users, prints addresses and passwords, and serves until stopped."""

    help = __doc__
    # None before the port is checked: a port in use is reported in one line.
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=8000)

    def handle(self, *, port: int, **_: Any) -> None:
        self._check_port(port)
        self.check()
        call_command("migrate", verbosity=0)
        chosen = os.environ.get("DEMO_PASSWORD", "")
        password = chosen or new_password()
        ensure_user("demo", password)
        ensure_user("admin", password, is_staff=True, is_superuser=True)
        self._print_addresses(port, password)
        if not chosen:
            self.stdout.write("A new password ends old logins; set DEMO_PASSWORD to keep both.")
        self.stdout.flush()
        call_command("serve", host=HOST, port=port)

    def _check_port(self, port: int) -> None:
        problem = port_problem(port)
        if problem:
            self.stderr.write(f"Cannot serve on port {port}: {problem}. PORT= names another.")
            sys.exit(1)

    def _print_addresses(self, port: int, password: str) -> None:
        page = f"http://{HOST}:{port}/"
        self.stdout.write(f"Page   {page:<32} demo / {password}")
        self.stdout.write(f"Admin  {page + 'admin/':<32} admin / {password}")


def port_problem(port: int) -> str:
    """Why no server can listen on ``port`` now; empty if one can."""
    with socket.socket() as probe:
        # As the server does: connections in TIME_WAIT do not block a port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
            probe.listen()
        except OverflowError:
            return "a port is a number from 0 to 65535"
        except OSError as error:
            return (error.strerror or str(error)).lower()
    return ""


def new_password() -> str:
    """A random password of four pronounceable words; 50 bits."""
    return "-".join("".join(_syllable() for _ in range(2)) for _ in range(4))


def _syllable() -> str:
    return secrets.choice("bdfgklmnprstvwyz") + secrets.choice("aeiou")


def ensure_user(name: str, password: str, **flags: bool) -> None:
    """Create the user or set the password, unless it is set: setting it ends logins."""
    user, _ = User.objects.get_or_create(username=name, defaults=flags)
    if not user.check_password(password):
        user.set_password(password)
        user.save()
