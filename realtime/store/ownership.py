"""The owner of a store: one deployment, identified by its secret keys."""

from msgspec import Struct

from .contract import StoreUnusable

# The layout of a store's content. A release raises it if older ones cannot work beside it.
LAYOUT = 1


class Owner(Struct, frozen=True):
    """A deployment: the fingerprints of its secret keys, the current one first. A store with any
    of them belongs to it."""

    keys: tuple[str, ...]
    layout: int = LAYOUT


class StoredOwner(Struct, frozen=True):
    """The owner that a store has recorded; without a key there is none yet."""

    key: str = ""
    layout: int = 0


class ForeignStore(StoreUnusable):
    """The store belongs to another deployment or was laid out by a later release."""


def check_owner(owner: Owner, stored: StoredOwner, *, separate_by: str) -> None:
    """Raises ForeignStore if the store is another deployment's. ``separate_by`` names what keeps
    two deployments apart, as a sentence continues after "give it"."""
    if stored.key and stored.key not in owner.keys:
        raise ForeignStore(
            "the store belongs to a deployment with another SECRET_KEY: if this is another "
            f"deployment, give it {separate_by}; if its SECRET_KEY was changed, name the old one "
            "in SECRET_KEY_FALLBACKS or, in an emergency, take the store over with "
            "`manage.py sweep --adopt-store`"
        )
    if stored.layout > owner.layout:
        raise ForeignStore(
            f"the store is laid out by a later release of channels-realtime (layout "
            f"{stored.layout}, not {owner.layout}): upgrade this deployment, or give it "
            f"{separate_by}"
        )
