"""A browser for the pages of these projects."""

from tests.browser.conftest import browser, context, page

__all__ = ["browser", "context", "page"]
