"""The history as CSV, streamed, and safe to open in a spreadsheet."""

import csv
import re
from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from typing import Any

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.db.models import QuerySet
from django.http import HttpRequest, StreamingHttpResponse
from django.utils import timezone

from realtime.ending.history import COLUMNS, newest_first
from realtime.models import ClosedSession

# Texts that begin with these are formulas in Excel, LibreOffice or Google Sheets; some accept the
# full-width forms (OWASP, "CSV injection").
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")

# A program that splits at semicolons or tabs ignores our quotes: for it a cell, perhaps a formula,
# begins after each of these, and after any quotes and blanks that follow.
_WITHIN = re.compile(r"(^|[;\t\r\n])([\s\"]*)(?=[=+\-@＝＋－＠])")


class _Echo:
    """A file for ``csv.writer``, which then returns each line."""

    def write(self, text: str) -> str:
        return text


def as_csv(
    request: HttpRequest, rows: "QuerySet[ClosedSession]", filename: str
) -> StreamingHttpResponse:
    """The rows, newest first, as a download, with times in the current timezone."""
    content: Any = _lines(rows)
    if isinstance(request, ASGIRequest):  # a sync iterator would be collected in memory
        content = _without_blocking(content)
    response = StreamingHttpResponse(content, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{filename}"'
    return response


def _lines(rows: "QuerySet[ClosedSession]") -> Iterator[str]:
    """Yields the lines in chunks."""
    writer = csv.writer(_Echo())
    yield str(writer.writerow(COLUMNS))
    for chunk in newest_first(rows):
        yield "".join(str(writer.writerow(_cells(row))) for row in chunk)


async def _without_blocking(lines: Iterator[str]) -> AsyncIterator[str]:
    next_chunk = sync_to_async(_next_chunk)
    while (chunk := await next_chunk(lines)) is not None:
        yield chunk


def _next_chunk(lines: Iterator[str]) -> str | None:
    return next(lines, None)


def _cells(row: ClosedSession) -> list[str]:
    return [cell(getattr(row, column)) for column in COLUMNS]


def cell(value: Any) -> str:
    """A value as the text of a cell, with an apostrophe before all that may be a formula."""
    if isinstance(value, str):
        escaped = f"'{value}" if value.startswith(FORMULA) else value
        return _WITHIN.sub(r"\1\2'", escaped)
    if isinstance(value, datetime):
        return local(value).isoformat(timespec="milliseconds")
    return str(value)


def local(moment: datetime) -> datetime:
    """The datetime in the current timezone; without ``USE_TZ`` it has none and stays as it is."""
    return timezone.localtime(moment) if timezone.is_aware(moment) else moment
