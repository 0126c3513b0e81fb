"""Rooms: their members, what each has received, and the reads of their logs."""
