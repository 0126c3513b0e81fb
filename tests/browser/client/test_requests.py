"""Requests with answers, in a page."""

from playwright.sync_api import Page

from tests.polling import eventually


def test_an_answer_is_awaited_and_a_refusal_thrown(ann: Page) -> None:
    found = ann.evaluate(
        """async () => [
          await client.request("double", { a: [1, "é"] }),
          await client.request("nothing").catch(({ code }) => code),
          await client.request("double", 1, { signal: AbortSignal.abort() }).catch((e) => e.name),
        ]"""
    )
    assert found == [[{"a": [1, "é"]}, {"a": [1, "é"]}], "unknown_request", "AbortError"]


def test_a_stream_waits_for_its_page(ann: Page) -> None:
    """All parts come, once and in order; while the page reads none, few are made."""
    ann.evaluate(
        """async () => {
          window.parts = client.request("count", 3000)[Symbol.asyncIterator]();
          window.numbers = [(await parts.next()).value];
        }"""
    )
    made: list[int] = []

    def waits() -> bool:
        made.append(ann.evaluate("client.request('made')"))
        return len(made) > 4 and len(set(made[-4:])) == 1

    eventually(waits, what=lambda: made)
    assert made[-1] < 300
    numbers = ann.evaluate(
        """async () => {
          for await (const number of { [Symbol.asyncIterator]: () => parts }) numbers.push(number);
          return numbers;
        }"""
    )
    assert numbers == list(range(3000))


def test_leaving_a_loop_stops_the_stream(ann: Page) -> None:
    ann.evaluate("(async () => { for await (const _ of client.request('count', 1e6)) break; })()")
    eventually(lambda: ann.evaluate("client.request('closed')"), what="the end of the stream")


def test_a_lost_connection_loses_its_requests_only(ann: Page) -> None:
    """One that is made afterwards waits for the next connection."""
    found = ann.evaluate(
        """async () => {
          const code = (reply) => reply.catch((error) => error.code);
          const lost = code(client.request("wait"));
          await client.request("made");
          client.disableAutoReconnect(); // a state event by itself
          const gone = new Promise((resolve) => client.addEventListener("state", resolve));
          client.request("end");
          await gone;
          const later = client.request("double", 1);
          client.connect();
          return [await lost, await later];
        }"""
    )
    assert found == ["lost", [1, 1]]
