"""The wire protocol as pure code: no Django, no asyncio, no clock, no I/O.

Everything here is data in, data out. Time is an argument, in seconds of any
monotonic clock, so tests run in no time and the same vectors drive the
browser's implementation (``static/realtime/``).
"""
