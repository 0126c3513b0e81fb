"""Which of Django's databases can hold what."""

# By Django's names: which databases keep sessions, and which only the history of closed ones,
# with the sessions in Redis.
KEEPS_SESSIONS = ("sqlite", "postgresql")
KEEPS_HISTORY = (*KEEPS_SESSIONS, "mysql")

_NAMES = {"mysql": "MySQL or MariaDB", "oracle": "Oracle"}


def vendor_name(vendor: str) -> str:
    """How people call a database that Django calls by this name."""
    return _NAMES.get(vendor, vendor)
