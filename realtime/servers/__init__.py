"""ASGI servers, tamed: what they do when left alone is not what a live connection needs.

``base`` holds what every server here is given (limits, lifecycle, a listening
socket), ``serving`` its life from start to drain, ``deadlines``, ``inbox`` and
``frames`` what every WebSocket has; two modules per server make it behave.
Nothing here imports Django.
"""

# In ``scope["extensions"]`` of a WebSocket: this server sends any close code
# and its reason, so that an application may say 1001 when it drains; and a refusal
# of a handshake may name its HTTP status.
EXTENSION = "realtime.server"

# There as well: an object that writes whole frames without waiting; see ``frames``.
FRAMES = "realtime.frames"
