"""The realtime layer for Django: heartbeat, sessions and delivery over WebSockets."""

__version__ = "0.1.0"
