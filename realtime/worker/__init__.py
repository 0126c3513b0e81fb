"""A worker: its connections, sessions and rooms, and how it is assembled, started and drained."""
