"""The wire protocol as pure code: no Django, no asyncio, no clock, no I/O.

Time is an argument, in seconds of any monotonic clock, so tests need no waiting, and the same
vectors test the browser's implementation (``realtime/js/``).
"""
