"""ASGI servers, tamed: what they do when left alone is not what a live connection needs.

``base`` holds what every server here is given (limits, lifecycle, a listening
socket); one module per server makes it behave. Nothing here imports Django.
"""

# In ``scope["extensions"]`` of a WebSocket: this server sends any close code
# and its reason, so that an application may say 1001 when it drains.
EXTENSION = "realtime.server"
