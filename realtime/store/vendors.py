"""Which of Django's databases can hold sessions or their history."""

# By Django's names. With a database of the second kind, sessions are in Redis.
KEEPS_SESSIONS = ("sqlite", "postgresql")
KEEPS_HISTORY = (*KEEPS_SESSIONS, "mysql")

_NAMES = {"mysql": "MySQL or MariaDB", "oracle": "Oracle"}


def vendor_name(vendor: str) -> str:
    """The usual name of a database that Django calls by this one."""
    return _NAMES.get(vendor, vendor)
