"""Whose store it is: one deployment's, told from others by its secret keys."""

from msgspec import Struct

from .contract import StoreUnavailable

# Of what a store holds and where. Raised by a release that those before could not work beside.
LAYOUT = 1


class Owner(Struct, frozen=True):
    """A deployment: the fingerprints of its secret keys, first of the one that is in use. A
    store that holds any of them is its own."""

    keys: tuple[str, ...]
    layout: int = LAYOUT


class Holder(Struct, frozen=True):
    """What a store holds of its owner; without a key it is anybody's."""

    key: str = ""
    layout: int = 0


class ForeignStore(StoreUnavailable):
    """The store is another deployment's, or laid out by a later release: not to be used."""


def check(owner: Owner, holder: Holder, *, apart: str) -> None:
    """Raises ForeignStore if this holder is not the owner. ``apart`` names what keeps two
    deployments apart, as a sentence goes on after "give it"."""
    if holder.key and holder.key not in owner.keys:
        raise ForeignStore(
            "the store belongs to a deployment with another SECRET_KEY: if this is another "
            f"deployment, give it {apart}; if its SECRET_KEY was changed, name the old one in "
            "SECRET_KEY_FALLBACKS or, in an emergency, take the store over with "
            "`manage.py sweep --adopt-store`"
        )
    if holder.layout > owner.layout:
        raise ForeignStore(
            f"the store is laid out by a later release of channels-realtime (layout "
            f"{holder.layout}, not {owner.layout}): upgrade this deployment, or give it {apart}"
        )
