"""Components that share the page's client."""

from playwright.sync_api import Page

from tests.polling import eventually

from .client_page import expect_state

COMPONENTS = """async () => {
  // React's StrictMode mounts an effect twice, with the cleanup in between.
  const mounted = [];
  const mount = (room) => {
    const effect = () => {
      const client = connect();
      const recorded = { messages: [], left: [], resyncs: [] };
      const listen = (type, list, of) => client.addEventListener(type, ({ detail }) =>
        detail.room === room && list.push(of(detail)));
      listen("message", recorded.messages, ({ data }) => data.text);
      listen("left", recorded.left, ({ code }) => code);
      listen("resync", recorded.resyncs, ({ reason }) => reason);
      client.join(room);
      return { recorded, cleanup: () => client.disconnect(), leave: () => client.leave(room) };
    };
    effect().cleanup();
    mounted.push(effect());
  };
  mount("chat:one");
  mount("chat:one");
  window.components = mounted;
}"""


def recorded(page: Page, component: int) -> dict[str, list[str]]:
    found: dict[str, list[str]] = page.evaluate(f"components[{component}].recorded")
    return found


def test_two_components_in_strict_mode(ann: Page) -> None:
    """Both get messages; events tell one what the other does to the page."""
    ann.evaluate(COMPONENTS)
    expect_state(ann, "connected")
    ann.evaluate("client.send('chat:one', { text: 'first', tag: '1' })")
    eventually(lambda: [recorded(ann, i)["messages"] for i in (0, 1)] == [["first"]] * 2, within=10)
    before = recorded(ann, 0)
    ann.evaluate("components[1].leave()")
    assert recorded(ann, 0)["left"] == [*before["left"], "left"]
    ann.evaluate("client.join('chat:one')")
    resyncs = [*before["resyncs"], "left"]
    eventually(lambda: recorded(ann, 0)["resyncs"] == resyncs, within=10)
    ann.evaluate("components[1].cleanup()")
    assert recorded(ann, 0)["left"][-1] == "disconnected"


def test_bytes_go_both_ways(ann: Page) -> None:
    answer = ann.evaluate(
        """async () => {
          const answered = (data) => new Promise((resolve) => {
            client.addEventListener("bytes", ({ detail }) => resolve(detail.data), { once: true });
            if (!client.sendBytes(data)) resolve(new ArrayBuffer(0));
          });
          const first = await answered(new Uint8Array([1, 2, 3]));
          const second = await answered(new Blob([new Uint8Array(70_000)]));
          return [[...new Uint8Array(first)], second.byteLength];
        }"""
    )
    assert answer == [[3, 2, 1], 70_000]
