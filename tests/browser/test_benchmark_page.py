"""The page in which the benchmarks measure a client."""

import pytest

from benchmarks import chromium
from benchmarks.driver import LoadFailed

SPIN = """(() => {
  const began = performance.now();
  while (performance.now() - began < 300);
})()"""


def test_the_time_of_the_main_thread_is_counted() -> None:
    with chromium.page() as page:
        page.open("data:text/html,<p>a page</p>")
        before = page.main_thread()
        assert page.evaluate("Promise.resolve(40 + 2)") == 42
        page.evaluate(SPIN)
        assert page.main_thread() - before > 0.05  # of 0.3, also on a machine that is busy
        with pytest.raises(LoadFailed, match="no such thing"):
            page.evaluate("Promise.reject(new Error('no such thing'))")


def test_a_browser_that_has_ended_is_a_failed_run() -> None:
    with chromium.page() as page:
        page.call("Browser.close")
        with pytest.raises(LoadFailed, match="no answer of Chromium"):
            while True:
                page.call("Browser.getVersion")
