"""The store's times as Django's datetimes."""

from datetime import UTC, datetime

from django.conf import settings
from django.utils import timezone


def to_datetime(epoch_ms: int) -> datetime:
    """The datetime of these epoch milliseconds; naive and local where ``USE_TZ`` is off."""
    aware = datetime.fromtimestamp(epoch_ms / 1000, UTC)
    if settings.USE_TZ:
        return aware
    return timezone.make_naive(aware, timezone.get_default_timezone())
