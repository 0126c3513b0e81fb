"""Error texts of the commands."""

from realtime.store.contract import StoreUnavailable
from realtime.store.ownership import ForeignStore


def why_unusable(error: StoreUnavailable) -> str:
    """One line about a store that cannot be used: it is another deployment's, or unreachable."""
    return str(error) if isinstance(error, ForeignStore) else f"the store is unreachable: {error}"
