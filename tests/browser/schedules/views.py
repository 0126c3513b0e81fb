"""The page of the schedules, rendered by the recipe of the docs while other requests write. It
keeps the events of its readers in the localStorage, where they survive the page.

The query says how: ``room``, ``tab`` and ``readers``, the names of its readers; ``writes``, how
many before each statement of the request; ``transaction`` around its queries; ``late``, the page
joins at ``begin()`` only; ``fault``, one that is planted.
"""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from itertools import chain, repeat
from typing import Any

from django.db import connection, connections, transaction
from django.http import HttpRequest, HttpResponse
from django.utils.html import escape

from realtime import api

from .writing import rows_of, write

PAGE = """<!doctype html><title>page</title><main data-page="{page}"></main>
<script type="module">
import {{ connect }} from "/static/realtime/realtime.js";
const page = JSON.parse(document.querySelector("main").dataset.page);
const loads = `loads of ${{page.tab}}`;
localStorage[loads] = Number(localStorage[loads] ?? 0) + 1;
const place = `page ${{page.tab}} ${{localStorage[loads]}}`;
localStorage[place] = JSON.stringify(page);
window.last = {{}};
const listen = (name, target, of = () => true) => {{
  const events = [];
  const record = (...event) => {{
    events.push(event);
    localStorage[`${{place}} ${{name}}`] = JSON.stringify(events);
  }};
  target.on("joined", (it) => {{
    if (!of(it)) return;
    record("joined", it.offset, it.recovered);
    if (it.recovered === false || !last[name]) last[name] = `at ${{it.offset}}`;
  }});
  target.on("resync", (it) => of(it) && record("resync", it.reason, it.initial ?? null));
  target.on("left", (it) => of(it) && record("left", it.code));
  target.on("message", (it) => {{
    if (!of(it)) return;
    record("message", it.data.n, it.offset, it.replayed ?? null);
    last[name] = it.data.n;
  }});
}};
const options = {{
  rendered: {{ since: page.since }}, last: {{ since: "last" }}, rewind: {{ rewind: 5 }}, now: {{}},
}};
const begin = () => {{
  localStorage[place] = JSON.stringify({{ ...page, begun: true }});
  window.client = connect({{ backoff: {{ base: 50, cap: 200 }} }});
  for (const name of page.readers) {{
    if (options[name]) listen(name, client.room(page.room, options[name]));
    else {{
      listen(name, client, ({{ room }}) => room === page.room);
      client.join(page.room);
    }}
  }}
  if (page.fault === "forgotten place")
    addEventListener("pagehide", () => sessionStorage.clear());
}};
window.hasJoined = () => page.readers.every((name) => last[name]);
window.hasReached = (...ends) => page.readers.every((name) => ends.includes(last[name]));
Object.assign(window, {{ begin, connect }});
if (!page.late) begin();
</script>"""


def page(request: HttpRequest) -> HttpResponse:
    query = json.loads(request.GET["page"])
    room, fault = query["room"], query["fault"]
    others = OtherRequests(room, query["writes"])
    position = api.position(room)
    transaction_ = transaction.atomic() if query["transaction"] else nullcontext()
    with connection.execute_wrapper(others.meddle), transaction_:
        request.user.get_username()  # the queries of the login
        shown = rows_of(room)
    if fault == "late position":
        position = api.position(room)
    found = {**query, "since": str(position), "shown": shown}
    answer = HttpResponse(PAGE.format(page=escape(json.dumps(found))))
    answer["Cache-Control"] = "private, max-age=600"  # a reload asks the server all the same
    return answer


class OtherRequests:
    """They write before the statements of this one: so many before each, as ``counts`` says."""

    def __init__(self, room: str, counts: list[int]) -> None:
        self._room = room
        self._counts: Iterator[int] = chain(counts, repeat(0))

    def meddle(self, execute: Callable[..., Any], *statement: Any) -> Any:
        """Write, then execute the statement."""
        with ThreadPoolExecutor(1) as pool:
            pool.submit(self._write, next(self._counts)).result()
        return execute(*statement)

    def _write(self, count: int) -> None:
        try:
            for _ in range(count):
                write(self._room)
        finally:
            connections.close_all()
