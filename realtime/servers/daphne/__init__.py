"""Daphne's half. Importing it installs the asyncio reactor, before anything else of Twisted."""

import daphne.server  # noqa: F401
