"""The health view, and sessions as plain data."""
