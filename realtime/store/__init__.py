"""The store: live sessions with their owners, workers, and the message log of each room."""
