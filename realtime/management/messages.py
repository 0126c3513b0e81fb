"""What commands say of a store that they cannot use."""

from realtime.store.contract import StoreUnavailable
from realtime.store.ownership import ForeignStore


def why_unusable(error: StoreUnavailable) -> str:
    """One line: whose it is, if it is another's, else that it cannot be reached."""
    return str(error) if isinstance(error, ForeignStore) else f"the store is unreachable: {error}"
