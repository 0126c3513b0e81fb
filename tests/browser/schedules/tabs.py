"""A round of tabs that come, go and are reloaded while their room goes on."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from playwright.sync_api import BrowserContext, Error, Page
from playwright.sync_api import TimeoutError as TooLate

from realtime.protocol.position import Position
from tests.polling import eventually

from .judge import Reader, Truth, judge_state
from .plan import LOG_LENGTH, LOSSES, REWIND, Deed, Rendering, Step
from .world import World

PACE = 0.01  # seconds between publications while something else happens
NOT_ACTIVE = "Not attached to an active page"  # Chromium's words
PLACE = re.compile(r"page (?P<tab>\d+) (?P<load>\d+)")


@dataclass(slots=True)
class Tab:
    """An open tab, and how its page was rendered."""

    page: Page
    rendering: Rendering


class TabRound:
    """Performs the steps in a room of its own, waits until each reader is at the end, and judges.
    ``fault`` is one that is planted in its pages."""

    def __init__(
        self, world: World, context: BrowserContext, room: str, *, fault: str = ""
    ) -> None:
        self._world = world
        self._context = context
        self._room = room
        self._fault = fault
        self._tabs: dict[int, Tab] = {}
        self._opened = 0
        self.events: Counter[str] = Counter()  # how many of each kind its readers had

    def play(self, steps: Sequence[Step]) -> list[str]:
        """Descriptions of all that is wrong."""
        for step in steps:
            self._perform(step)
        late = self._wait_for_all("hasJoined")
        [last] = self._world.write([self._room])
        truth = self._world.truth(self._room)
        late += self._wait_for_all("hasReached", last, f"at {truth[last].offset}")
        may_lose = any(step.deed in LOSSES for step in steps)
        kept = self._kept()
        self.events.update(kind for events in kept.values() for kind in kinds(events))
        faults = judge(kept, truth, {*self._tabs}, may_lose=may_lose, end=truth[last])
        return [*late, *faults]

    def _wait_for_all(self, condition: str, *arguments: object) -> list[str]:
        """Returns descriptions of the tabs that are late."""
        late = []
        for number, tab in self._tabs.items():
            try:
                self._world.wait_until(
                    tab.page, f"(arguments) => {condition}(...arguments)", arguments
                )
            except TooLate:
                late.append(f"tab {number} is late: not {condition}")
        return late

    def _kept(self) -> dict[str, Any]:
        """The pages and the events of their readers, by their places. The process of a tab sees
        later, but in order, what that of another one writes in the localStorage: up to the mark,
        the last that each tab writes."""
        for number, tab in self._tabs.items():
            tab.page.evaluate("(number) => { localStorage[`mark ${number}`] = 1; }", number)
        [tab, *_] = self._tabs.values()
        all_there = "(numbers) => numbers.every((number) => localStorage[`mark ${number}`])"
        self._world.wait_until(tab.page, all_there, [*self._tabs])
        found: dict[str, str] = tab.page.evaluate("({ ...localStorage })")
        return {place: json.loads(text) for place, text in found.items() if PLACE.match(place)}

    # ------------------------------------------------------------ deeds

    def _perform(self, step: Step) -> None:
        world, rooms = self._world, [self._room] * step.count
        match step.deed:
            case Deed.OPEN:
                self._tabs[step.tab] = Tab(self._context.new_page(), step.rendering)
                self._visit(step.tab)
            case Deed.DUPLICATE:
                self._duplicate(self._tabs[step.tab])
            case Deed.CLOSE:
                self._tabs.pop(step.tab).page.close()
            case Deed.PUBLISH:
                world.write(rooms)
            case Deed.LOSE_REDIS:
                world.lose_redis()
            case Deed.RESTART | Deed.KILL:
                world.stop(kills=step.deed is Deed.KILL)
                world.write(rooms)
                world.start()
            case Deed.RESET | Deed.CUT | Deed.STALL:
                self._break(step.deed, rooms)
            case Deed.BURST:
                self._break(Deed.CUT, rooms + [self._room] * LOG_LENGTH, pause=0.0)
            case _:
                with world.writing(rooms, pause=PACE):
                    self._reload(step)

    def _break(self, deed: Deed, rooms: Sequence[str], *, pause: float = PACE) -> None:
        line = self._world.line
        if deed is Deed.RESET:
            with self._world.writing(rooms, pause=pause):
                line.reset()
            return
        if deed is Deed.CUT:
            line.refuse()
        else:
            line.stall()
        self._world.write(rooms, pause=pause)
        line.heal()

    def _reload(self, step: Step) -> None:
        tab = self._tabs[step.tab]
        match step.deed:
            case Deed.RELOAD:
                self._load(tab, tab.page.reload)
            case Deed.RELOAD_TWICE:
                tab.page.reload(wait_until="commit")
                self._load(tab, lambda: eventually(lambda: reloads(tab.page), what="no reload"))
            case Deed.CACHED:
                tab.page.goto("about:blank")
                self._visit(step.tab)
            case Deed.RETURN:
                tab.page.goto("about:blank")
                tab.rendering = step.rendering
                self._visit(step.tab)

    # ------------------------------------------------------------ pages

    def _visit(self, number: int) -> None:
        tab = self._tabs[number]
        url = self._url(number, tab.rendering)
        self._load(tab, lambda: tab.page.goto(url))
        self._opened = max(self._opened, number + 1)

    def _duplicate(self, tab: Tab) -> None:
        """A tab opened by script begins with a copy of the sessionStorage."""
        number = self._opened
        url = self._url(number, tab.rendering)
        with self._context.expect_page() as opened:
            tab.page.evaluate("(url) => void open(url)", url)
        self._tabs[number] = Tab(opened.value, tab.rendering)
        self._load(self._tabs[number], opened.value.wait_for_load_state)
        self._opened += 1

    def _load(self, tab: Tab, load: Callable[[], object]) -> None:
        """Load a page; one that is late joins after other publications."""
        load()
        if tab.rendering.late:
            self._world.write([self._room] * tab.rendering.late)
            tab.page.evaluate("begin()")

    def _url(self, number: int, rendering: Rendering) -> str:
        query = rendering.query(self._room, tab=number, fault=self._fault)
        return f"{self._world.url}/page/?{urlencode({'page': json.dumps(query)})}"


def reloads(page: Page) -> bool:
    """Reload a page; False if the browser is just handing it to another of its processes."""
    try:
        page.reload()
    except Error as error:
        if NOT_ACTIVE not in error.message:
            raise
        return False
    return True


def kinds(kept: Any) -> list[str]:
    """The kinds of the events of a reader, "page" for a page."""
    return [kind for kind, *_ in kept] if isinstance(kept, list) else ["page"]


def judge(
    kept: dict[str, Any], truth: Truth, alive: set[int], *, may_lose: bool, end: Position
) -> Iterator[str]:
    """Descriptions of all that is wrong in the tabs: the pages of each, one after the other."""
    found = [match for place in kept if (match := PLACE.fullmatch(place))]
    places = sorted((int(match["tab"]), int(match["load"])) for match in found)
    before: dict[int, Position] = {}
    welcomed: set[int] = set()  # tabs that had a session
    for tab, load in places:
        place = f"page {tab} {load}"
        page = kept[place]
        if page["since"]:
            yield from judge_state(place, truth, page["shown"], Position.parse(page["since"]))
        readers = [reader_of(name, page, truth) for name in page["readers"]]
        for reader in readers:
            if reader.name == "last":
                reader.goes_on(before.get(tab), has_session=tab in welcomed)
            reader.may_lose = may_lose
            reader.follow(kept.get(f"{place} {reader.name}", ()))
            if tab in alive and (tab, load + 1) not in places:
                reader.expect_end(end)
            yield from (f"{place}, {fault}" for fault in reader.faults)
        if any(f"{place} {reader.name}" in kept for reader in readers):
            welcomed.add(tab)
        begun = [reader.at for reader in readers if reader.at]
        if begun and page.get("begun"):  # one without a client leaves what the page before has left
            before[tab] = lowest(begun, truth)


def reader_of(name: str, page: dict[str, Any], truth: Truth) -> Reader:
    """A reader of a page, by its options there."""
    match name:
        case "rendered" if page["since"]:
            return Reader(name, truth, start=Position.parse(page["since"]))
        case "rendered":
            return Reader(name, truth, loss="unknown")
        case "rewind":
            return Reader(name, truth, rewind=REWIND)
    return Reader(name, truth)


def lowest(positions: Sequence[Position], truth: Truth) -> Position:
    """That of the lowest offset in the newest log."""
    newest = truth[max(truth)].epoch
    return min(positions, key=lambda one: (one.epoch not in ("", newest), one.offset))
