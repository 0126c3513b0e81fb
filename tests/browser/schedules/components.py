"""A round of components that are mounted and unmounted in a page, while their rooms go on and its
connection breaks."""

import json
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event
from typing import Any
from urllib.parse import urlencode

from playwright.sync_api import BrowserContext
from playwright.sync_api import TimeoutError as TooLate

from realtime.protocol.position import Position

from .judge import Reader
from .plan import Rendering
from .world import World

LOG_LENGTH = 1000
COMPONENTS = 10
STEPS = 120
AT_ONCE, PAUSE = 10, 0.002  # publications between two looks at the end, and seconds between them
RECENT = 60  # publications
AHEAD = 100_000

MOUNT = """() => {
  Object.assign(window, { handles: {}, records: {}, received: 0 });
  window.mount = (id, name, options) => {
    const room = client.room(name, options);
    const events = (records[id] = []);
    room.on("joined", ({ offset, recovered }) => events.push(["joined", offset, recovered]));
    room.on("resync", ({ reason, initial }) => events.push(["resync", reason, initial]));
    room.on("left", ({ code }) => events.push(["left", code]));
    room.on("message", ({ data, offset, replayed }) => {
      received += 1;
      events.push(["message", data.n, offset, replayed]);
    });
    handles[id] = room;
  };
  window.unmount = (id) => {
    handles[id].close();
    delete handles[id];
    records[id].push(["closed"]);
  };
  window.haveJoined = () => Object.keys(handles).every((id) => records[id].length > 0);
  window.haveReached = (last) => Object.keys(handles).every((id) => {
    const [type, n] = records[id].at(-1) ?? [];
    return type === "message" && n === last[handles[id].name];
  });
}"""


class ComponentRound:
    """Performs steps by chance, waits until each open handle is at the end of its room, and
    judges."""

    def __init__(self, world: World, context: BrowserContext, name: str) -> None:
        self._world = world
        self._rooms = [f"{name}-{letter}" for letter in "abc"]
        self._chance = random.Random(name)
        self._page = context.new_page()
        self._handles: list[tuple[str, dict[str, Any], str]] = []
        """Room, options, and the reason of the resync that it begins with."""
        self._open: list[int] = []
        self.events: Counter[str] = Counter()  # how many of each kind the handles had

    def play(self) -> list[str]:
        """Descriptions of all that is wrong."""
        self._world.write(self._rooms * 3)
        self._visit()
        with self._traffic(), suppress(TooLate):
            for _ in range(STEPS):
                self._step()
        with suppress(TooLate):  # the events show how far each handle got
            self._world.wait_until(self._page, "haveJoined()")
        last = dict(zip(self._rooms, self._world.write(self._rooms), strict=True))
        with suppress(TooLate):
            self._world.wait_until(self._page, "(last) => haveReached(last)", last)
        records = self._page.evaluate("records")
        self.events.update(kind for events in records.values() for kind, *_ in events)
        return [*self._judge(records, last)]

    def _visit(self) -> None:
        rendering = Rendering(transaction=False, writes=(), readers=(), late=0)
        query = rendering.query(self._rooms[0], tab=0, fault="")
        self._page.goto(f"{self._world.url}/page/?{urlencode({'page': json.dumps(query)})}")
        self._page.evaluate(MOUNT)

    @contextmanager
    def _traffic(self) -> Iterator[None]:
        """Publications in all rooms meanwhile."""
        is_over, chance = Event(), random.Random(f"traffic {self._rooms}")

        def publish() -> None:
            while not is_over.is_set():
                self._world.write(chance.choices(self._rooms, k=AT_ONCE), pause=PAUSE)

        with self._world.meanwhile(publish):
            try:
                yield
            finally:
                is_over.set()

    # ------------------------------------------------------------ steps

    def _step(self) -> None:
        dice = self._chance.random()
        if dice < 0.4 and len(self._open) < COMPONENTS:
            self._mount(self._chance.choice(self._rooms))
        elif dice < 0.7 and self._open:
            self._unmount(self._chance.choice(self._open))
        elif dice < 0.75:
            self._world.line.reset()
        elif self._open:
            seen = self._page.evaluate("received")
            self._world.wait_until(self._page, "(seen) => received > seen + 2", seen)

    def _mount(self, room: str) -> None:
        options, loss = self._options(room)
        number = len(self._handles)
        self._page.evaluate("(args) => mount(...args)", [number, room, options])
        self._handles.append((room, options, loss))
        self._open.append(number)

    def _unmount(self, number: int) -> None:
        self._page.evaluate("(number) => unmount(number)", number)
        self._open.remove(number)

    def _options(self, room: str) -> tuple[dict[str, Any], str]:
        """Options of a handle, and the reason of the resync that it begins with."""
        known = [*self._world.truth(room).values()][-RECENT:]
        place = self._chance.choice(known)
        match self._chance.randrange(8):
            case 0:
                return {"since": "now"}, ""
            case 1:
                return {"since": ""}, "unknown"
            case 2:
                return {"rewind": self._chance.randint(1, 8)}, ""
            case 3:
                return {"since": f"gone:{place.offset}"}, "epoch_changed"
            case 4:
                return {"since": f"{place.epoch}:{place.offset + AHEAD}"}, "ahead"
            case _:
                return {"since": str(place)}, ""

    # ------------------------------------------------------------ judging

    def _judge(self, records: dict[str, Any], last: dict[str, int]) -> Iterator[str]:
        truths = {room: self._world.truth(room) for room in self._rooms}
        for number, (room, options, loss) in enumerate(self._handles):
            truth, since = truths[room], options.get("since", "now")
            reader = Reader(
                f"{number} in {room} with {options}",
                truth,
                start=Position.parse(since) if ":" in since else None,
                rewind=options.get("rewind", 0),
                loss=loss,
            )
            reader.follow(records[str(number)])
            if number in self._open:
                reader.expect_end(truth[last[room]])
            yield from reader.faults
