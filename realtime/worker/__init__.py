"""This process's live half: its connections, their heartbeats, its reports to the store."""
