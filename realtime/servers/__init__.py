"""Daphne and uvicorn with what long-lived connections need: limits, pings, a drain; a supervisor.

``common`` has what both servers share, ``daphne`` and ``uvicorn`` the protocols and the server of
each, ``supervisor`` the process that keeps several workers running. Nothing here imports Django.
"""

# In ``scope["extensions"]`` of a WebSocket: the server sends any close code and its reason, and
# ``websocket.close`` before accept may name an HTTP status.
EXTENSION = "realtime.server"

# There as well: an object that writes whole frames without waiting; see ``common.raw_frames``.
FRAMES = "realtime.frames"
