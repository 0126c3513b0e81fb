"""The truth: who is connected, who owns them, how they ended."""
