"""The history as CSV: as much as there is, without holding it, and safe to open."""

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

# What makes a formula of a text in Excel, LibreOffice or Google Sheets, the wide forms
# that some of them accept included (OWASP, "CSV injection").
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")

# A reader that splits at semicolons or tabs takes no notice of our quotes: to it a cell begins,
# and may be a formula, behind each of these, whatever quotes and blanks come first.
_WITHIN = re.compile(r"(^|[;\t\r\n])([\s\"]*)(?=[=+\-@＝＋－＠])")


class _Echo:
    """A file for ``csv.writer`` that hands back what is written."""

    def write(self, text: str) -> str:
        return text


def as_csv(
    request: HttpRequest, rows: "QuerySet[ClosedSession]", filename: str
) -> StreamingHttpResponse:
    """The rows, newest first, as a download in the current timezone."""
    content: Any = _lines(rows)
    if isinstance(request, ASGIRequest):  # a server of either kind would collect the other's
        content = _without_blocking(content)
    response = StreamingHttpResponse(content, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{filename}"'
    return response


def _lines(rows: "QuerySet[ClosedSession]") -> Iterator[str]:
    """A chunk of lines at a time."""
    writer = csv.writer(_Echo())
    yield str(writer.writerow(COLUMNS))
    for chunk in newest_first(rows):
        yield "".join(str(writer.writerow(_cells(row))) for row in chunk)


async def _without_blocking(lines: Iterator[str]) -> AsyncIterator[str]:
    following = sync_to_async(_following)
    while (chunk := await following(lines)) is not None:
        yield chunk


def _following(lines: Iterator[str]) -> str | None:
    return next(lines, None)


def _cells(row: ClosedSession) -> list[str]:
    return [cell(getattr(row, column)) for column in COLUMNS]


def cell(value: Any) -> str:
    """A value as a cell: a text that a spreadsheet would compute, or compute a part of, has an
    apostrophe there."""
    if isinstance(value, str):
        whole = f"'{value}" if value.startswith(FORMULA) else value
        return _WITHIN.sub(r"\1\2'", whole)
    if isinstance(value, datetime):
        return local(value).isoformat(timespec="milliseconds")
    return str(value)


def local(moment: datetime) -> datetime:
    """In the current timezone; without ``USE_TZ`` it is there already."""
    return timezone.localtime(moment) if timezone.is_aware(moment) else moment
