"""The figures: their suites, their names in the tables, and the goals of ours."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of a suite: its name, how a table calls it, its digits. Less is better."""

    suite: str
    name: str
    title: str
    digits: int


@dataclass(frozen=True, slots=True)
class Goal:
    """The most that ``of`` may have of a figure; with ``beside``, as a multiple of what
    that one has."""

    figure: Figure
    of: str
    most: float
    beside: str = ""


DELIVERY = Figure("room", "delivery_cpu_us", "CPU per delivery to 1,000, µs", 1)
ROOM = Figure("room", "room_ms", "until all 1,000 have it, ms", 1)
BEAT = Figure("room", "beat_cpu_us", "CPU per beat, µs", 0)
CONNECT = Figure("room", "connect_cpu_ms", "CPU per connect, ms", 2)
MEMORY = Figure("room", "memory_kb", "memory per connection, KB", 1)
TICK = Figure("room", "tick_ms", "tick, mean, ms", 2)
LONGEST_TICK = Figure("room", "longest_tick_ms", "tick, longest, ms", 1)
IDLE = Figure("crowd", "idle_cpu_percent", "10,000 idle, % of one core", 1)
CROWD = Figure("crowd", "crowd_ms", "until all 10,000 have it, ms", 0)
LATE = Figure("crowd", "late_beat_ms", "latest beat meanwhile, ms late", 0)
SLOW = Figure("crowd", "slow_ratio", "CPU with 1 % slow ÷ without", 2)
PUBLISH = Figure("delivery", "publish_us", "publish from sync code, µs", 0)
THREADS = Figure("delivery", "publish_threads_us", "the same by four threads, µs each", 0)
RESUME = Figure("delivery", "resume_ms", "resume of 1,000 publications, ms", 0)
SERVER_FIGURES = (
    *(DELIVERY, ROOM, BEAT, CONNECT, MEMORY, TICK, LONGEST_TICK),
    *(IDLE, CROWD, LATE, SLOW),
    *(PUBLISH, THREADS, RESUME),
)

EMPTY_SWEEP = Figure("registry", "empty_sweep_ms", "sweep with nothing to do, ms", 1)
REAP = Figure("registry", "reap_ms", "sweep that reaps 10,000, ms", 0)
PAGE = Figure("registry", "page_ms", "first page of the admin, ms", 0)
BEATS = Figure("registry", "beats_percent", "beats for 10,000 sessions, % of one core", 2)
STORE_FIGURES = (EMPTY_SWEEP, REAP, PAGE, BEATS)

MAIN_THREAD = Figure(
    "browser", "main_thread_percent", "1,000 messages a second, % of the page's main thread", 1
)
PAGE_FIGURES = (MAIN_THREAD,)

OURS = ("ours-uvicorn", "ours-daphne")
OUR_CLIENT = "client"

GOALS = (
    *(Goal(DELIVERY, ours, 0.6, beside="node") for ours in OURS),
    *(Goal(DELIVERY, ours, 0.25, beside="python-socketio") for ours in OURS),
    Goal(DELIVERY, "ours-uvicorn", 0.05, beside="usual-uvicorn"),
    Goal(DELIVERY, "ours-daphne", 0.05, beside="usual-daphne"),
    Goal(BEAT, "ours-uvicorn", 1.2, beside="node"),
    Goal(MEMORY, "ours-uvicorn", 1.0, beside="node"),
    Goal(IDLE, "ours-uvicorn", 4.0),
    Goal(IDLE, "ours-daphne", 9.0),
    *(Goal(CROWD, ours, 120.0) for ours in OURS),
    *(Goal(LATE, ours, 500.0) for ours in OURS),
    *(Goal(SLOW, ours, 1.3) for ours in OURS),
    *(Goal(PUBLISH, ours, 500.0) for ours in OURS),
    *(Goal(THREADS, ours, 500.0) for ours in OURS),
    *(Goal(RESUME, ours, 50.0) for ours in OURS),
    *(Goal(LONGEST_TICK, ours, 20.0) for ours in OURS),
    Goal(EMPTY_SWEEP, "redis", 10.0),
    Goal(REAP, "redis", 1000.0),
    Goal(PAGE, "redis", 300.0),
    Goal(BEATS, "redis", 1.0),
    Goal(MAIN_THREAD, OUR_CLIENT, 20.0),
)
