"""Error texts of the commands."""

from realtime.store.contract import StoreUnavailable, StoreUnusable


def why_unusable(error: StoreUnavailable) -> str:
    """One line about a store that cannot be used: it is another deployment's, has no tables, or
    is unreachable."""
    return str(error) if isinstance(error, StoreUnusable) else f"the store is unreachable: {error}"
