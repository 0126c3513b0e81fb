"""All commands of ours have to start while the database is away: their checks open none.

pytest-django forbids tests without its mark to connect.
"""

from typing import Any

import pytest
from django.core.management import call_command, get_commands, load_command_class

COMMANDS = sorted(name for name, app in get_commands().items() if app == "realtime")


@pytest.mark.parametrize("name", COMMANDS)
def test_its_checks_open_no_database(name: str) -> None:
    command = load_command_class("realtime", name)
    assert command.requires_system_checks
    kwargs: Any = command.get_check_kwargs({})
    command.check(**kwargs)


def test_checking_our_models_opens_no_file() -> None:
    """From Django 6.1 on, ``check`` and ``runserver`` hand all databases to the checks."""
    call_command("check", "realtime", databases=["default"])
