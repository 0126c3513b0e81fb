"""How sessions end for good: the sweeper, and the history of closed sessions."""
