"""Whose store it is, as talks with Redis."""

from typing import TypeVar

from ..ownership import Holder, Owner, check
from .rows import answers
from .scripts import Operation, ScriptCalls

T = TypeVar("T")

APART = "a REDIS_PREFIX of its own"

_holder = answers(Holder)


class OwnershipOperations:
    """Of one client: it looks once. Without an owner, nothing is asked."""

    def __init__(self, calls: ScriptCalls, owner: Owner | None) -> None:
        self._calls = calls
        self._owner = owner
        self._is_known = owner is None

    def first(self, talk: Operation[T]) -> Operation[T]:
        """The talk, but the first one not before it is known whose store it is: one call more,
        which changes nothing. Raises ForeignStore."""
        if not self._is_known:
            yield from self._ask(write=False, adopt=False)
        return (yield from talk)

    def own(self, *, adopt: bool) -> Operation[None]:
        """One call. Raises ForeignStore."""
        yield from self._ask(write=True, adopt=adopt)

    def _ask(self, *, write: bool, adopt: bool) -> Operation[None]:
        if self._owner is None:
            return
        keys, layout = list(self._owner.keys), self._owner.layout
        answer = yield self._calls("own", keys=keys, layout=layout, write=write, adopt=adopt)
        check(self._owner, _holder.decode(answer), apart=APART)
        self._is_known = True
