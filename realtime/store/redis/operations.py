"""The whole contract as talks, for whoever drives them."""

from ..log import BOUNDS, Bounds
from ..ownership import Owner
from .log import LogTalks
from .ownership import Ownership
from .queries import Looking
from .scripts import Calls
from .sessions import Sessions
from .stats import Numbers
from .sweeping import Sweeping


class Talks:
    """The parts of the contract, over the same calls."""

    def __init__(
        self, calls: Calls, bounds: Bounds = BOUNDS, *, owner: Owner | None = None
    ) -> None:
        self.ownership = Ownership(calls, owner)
        self.sessions = Sessions(calls)
        self.looking = Looking(calls)
        self.sweeping = Sweeping(calls)
        self.numbers = Numbers(calls)
        self.log = LogTalks(calls, bounds)
