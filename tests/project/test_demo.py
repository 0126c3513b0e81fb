"""`manage.py demo`, until it serves."""

import re
import socket
from io import StringIO
from typing import Any
from unittest.mock import patch

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command

from project.management.commands import demo

pytestmark = pytest.mark.django_db


def run_demo(**options: Any) -> str:
    """Its output before it serves, on a free port."""
    out = StringIO()
    with patch.object(demo, "call_command") as called:
        call_command("demo", stdout=out, port=0, **options)
    assert [call.args[0] for call in called.call_args_list] == ["migrate", "serve"]
    return out.getvalue()


def test_it_prints_addresses_and_logins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEMO_PASSWORD", "let-me-in")
    lines = run_demo().splitlines()
    assert re.fullmatch(r"Page +http://127\.0\.0\.1:0/ +demo / let-me-in", lines[0])
    assert re.fullmatch(r"Admin +http://127\.0\.0\.1:0/admin/ +admin / let-me-in", lines[1])


def test_an_unchanged_password_is_not_set_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEMO_PASSWORD", "let-me-in")
    run_demo()
    before = User.objects.get(username="demo").password
    run_demo()
    assert User.objects.get(username="demo").password == before


def test_each_run_chooses_a_new_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DEMO_PASSWORD", raising=False)
    assert run_demo() != run_demo()
    assert User.objects.count() == 2


def test_the_password_is_the_one_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DEMO_PASSWORD", raising=False)
    password = run_demo().splitlines()[0].rpartition(" / ")[2]
    assert re.fullmatch(r"[a-z]{4}(-[a-z]{4}){3}", password)
    demo_user, admin = User.objects.get(username="demo"), User.objects.get(username="admin")
    assert demo_user.check_password(password)
    assert admin.check_password(password)
    assert admin.is_superuser
    assert not demo_user.is_staff


def test_a_port_in_use_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server((demo.HOST, 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SystemExit) as exit_:
            call_command("demo", port=port)
    assert exit_.value.code == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err == f"Cannot serve on port {port}: address already in use. PORT= names another.\n"


def test_a_number_out_of_range_is_no_port() -> None:
    assert demo.port_problem(70_000) == "a port is a number from 0 to 65535"
