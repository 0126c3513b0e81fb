"""One page in a browser that receives a lot: what that costs its main thread."""

import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from benchmarks.chromium import Page, page
from benchmarks.cores import LOAD, pinned
from benchmarks.driver import LoadFailed
from benchmarks.kinds import KINDS, ROOT
from benchmarks.servers import Server, running

WARM_UP = 3.0  # seconds in which the browser's compilers finish
MARGIN = 60.0  # seconds
ENOUGH = 0.95  # of the messages, within the time that is measured

# Each counts the messages in `received`, after a look into the data.
OURS = """
const { connect } = await import("/static/realtime/realtime.js");
const room = connect().room("room");
room.on("message", ({ data }) => { received += data.n > 0; });
await room.joined;
"""
# The least that a page does for the same frames: it parses them, and answers as the protocol
# requires.
PLAIN = """
const socket = new WebSocket(`ws://${location.host}/ws/`, "realtime.v1");
const send = (frame) => socket.send(JSON.stringify(frame));
let [count, pings] = [0, 0];
await new Promise((joined) => {
  socket.onopen = () => send({ type: "hello", protocol: 1, rooms: { room: null } });
  socket.onmessage = (event) => {
    const frame = JSON.parse(event.data);
    if (frame.type === "publication") {
      received += frame.data.n > 0;
      count += 1;
      if (count % 64 === 0) send({ type: "received", count });
    } else if (frame.type === "ping") {
      pings += 1;
      const { sequence, timestamp } = frame;
      const numbers = { received: count, ping_count: pings, client_time: Date.now() };
      send({ type: "pong", sequence, timestamp, ...numbers });
    } else if (frame.type === "welcome") joined();
  };
});
"""
SOCKET_IO = """
const { io } = await import("/socket.io/socket.io.esm.min.js");
const socket = io({ transports: ["websocket"] });
socket.on("message", ({ n }) => { received += n > 0; });
await new Promise((connected) => socket.on("connect", connected));
socket.emit("flow", RATE, SECONDS);
"""


@dataclass(frozen=True, slots=True)
class Client:
    """A client in the page: how tables call it, the kind of its server, a document of the server's
    origin, and the script that receives."""

    title: str
    kind: str
    document: str
    script: str


_OUR_FILE = "/static/realtime/realtime.js"
CLIENTS = {
    "client": Client("ours", "ours-uvicorn", _OUR_FILE, OURS),
    "plain": Client("WebSocket, JSON.parse", "ours-uvicorn", _OUR_FILE, PLAIN),
    "socket.io-client": Client(
        "socket.io-client", "node", "/socket.io/socket.io.esm.min.js", SOCKET_IO
    ),
}


@dataclass(frozen=True, slots=True)
class Browser:
    """So many messages a second, measured for so many seconds."""

    rate: float
    seconds: float

    def run(self, name: str, *, redis: bool) -> Mapping[str, float]:
        """The figures of a client. Raises ServerFailed or LoadFailed."""
        client = CLIENTS[name]
        duration = WARM_UP + self.seconds + MARGIN
        script = client.script.replace("RATE", f"{self.rate:g}").replace("SECONDS", f"{duration:g}")
        with running(KINDS[client.kind], interval=25.0, redis=redis) as server, page() as browser:
            browser.open(f"http://{server.address}{client.document}")
            browser.evaluate(f"globalThis.received = 0; (async () => {{ {script} }})()")
            with self._flow(server, duration):
                return self._measure(browser)

    @contextlib.contextmanager
    def _flow(self, server: Server, duration: float) -> Iterator[None]:
        """The publications meanwhile; Socket.IO's server sends by itself."""
        if not server.kind.is_ours:
            yield
            return
        command = [sys.executable, "-m", "benchmarks.flow", f"{self.rate:g}", f"{duration:g}"]
        with pinned(LOAD):
            process = subprocess.Popen(command, env=server.environ, cwd=ROOT)
        try:
            yield
        finally:
            process.kill()
            process.wait()

    def _measure(self, browser: Page) -> Mapping[str, float]:
        until = time.monotonic() + MARGIN
        while not browser.evaluate("received"):
            if time.monotonic() > until:
                raise LoadFailed("the page receives nothing")
            time.sleep(0.05)
        time.sleep(WARM_UP)
        before, received = browser.main_thread(), browser.evaluate("received")
        began = time.monotonic()
        time.sleep(self.seconds)
        used, count = browser.main_thread() - before, browser.evaluate("received") - received
        seconds = time.monotonic() - began
        if count < ENOUGH * self.rate * seconds:
            raise LoadFailed(f"the page received {count} messages in {seconds:.1f} s")
        return {"main_thread_percent": 100 * used / seconds, "received": count / seconds}
