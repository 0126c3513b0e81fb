"""The base class of the commands that use the store."""

from typing import Any

from django.core.management.base import BaseCommand


class StoreCommand(BaseCommand):
    """A command whose system checks open no database: during an outage it has to start, or to
    report the outage. From Django 6.1 on, checks open every database unless they are given none."""

    def get_check_kwargs(self, options: dict[str, Any]) -> Any:
        return {**super().get_check_kwargs(options), "databases": []}
