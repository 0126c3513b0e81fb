"""The docs' example with Django's tasks."""

import json
import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import django
import pytest
from django.contrib.auth.models import User
from django.db import transaction

from realtime.composition import blocking_store
from tests.test_docs import INTEGRATION, fences

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(django.VERSION < (6, 0), reason="Django has tasks from 6.0 on"),
]


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The example as a module, where tasks have to be."""
    [code] = [code for code in fences(INTEGRATION, "python") if "django.tasks" in code]
    module = ModuleType("example")
    monkeypatch.setitem(sys.modules, "example", module)
    exec(compile(code, "integration.md", "exec"), vars(module))
    return module


def published(user: User) -> list[Any]:
    log = blocking_store().log
    page = log.read(f"user:{user.pk}", after=0, limit=10, max_bytes=1000)
    return [json.loads(entry.data) for entry in page.entries]


def test_a_task_publishes_after_the_commit_and_once(example: Any) -> None:
    ann = User.objects.create_user("ann")
    with transaction.atomic():
        assert example.request_export(SimpleNamespace(user=ann), 7).status_code == 202
        assert published(ann) == []
    assert published(ann) == [{"export": 7, "state": "ready"}]
    result = example.export.enqueue(ann.pk, 7)  # a second run of the same task
    assert result.errors == []
    assert published(ann) == [{"export": 7, "state": "ready"}]
