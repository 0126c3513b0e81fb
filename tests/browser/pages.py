"""Helpers for pages in a browser: screenshots, and what axe-core finds."""

from typing import Any

from playwright.sync_api import ConsoleMessage, Page

from tests.e2e.server_support import ROOT

SCREENSHOTS = ROOT / "build" / "screenshots"
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
WAIT_MS = 40_000  # only a failure takes it all; a client waits up to 30 s between attempts


def axe_violations(page: Page, selector: str = "html") -> list[dict[str, Any]]:
    """The violations that axe-core finds below ``selector``: ``id``, ``impact``, ``nodes``."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text())
    script = "(selector) => axe.run(selector, { resultTypes: ['violations'] })"
    found: list[dict[str, Any]] = page.evaluate(script, selector)["violations"]
    return found


def describe(violations: list[dict[str, Any]]) -> list[str]:
    """One line for each element: the violated rule and the element's HTML."""
    return [f"{one['id']}: {node['html']}" for one in violations for node in one["nodes"]]


def policy_violations(page: Page) -> list[str]:
    """The violations of the content security policy in the browser's console. The list grows."""
    lines: list[str] = []

    def add(line: ConsoleMessage) -> None:
        if "Content Security Policy" in line.text:
            lines.append(line.text)

    page.on("console", add)
    return lines
