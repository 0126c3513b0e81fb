"""The owner of a store on Redis: the check before the first script, and the record of it."""

from ..operation import Operation, P, T
from ..ownership import Owner, StoredOwner, check_owner
from .rows import answers
from .scripts import ScriptCalls, ScriptSteps

SEPARATE_BY = "a REDIS_PREFIX of its own"

_stored_owner = answers(StoredOwner)


class Ownership:
    """The owner check of one client, made once. Without an owner there is none."""

    def __init__(self, calls: ScriptCalls, owner: Owner | None) -> None:
        self._calls = calls
        self._owner = owner
        self._is_checked = owner is None

    def guard(self, steps: ScriptSteps[T]) -> ScriptSteps[T]:
        """These steps, after the check if it is still to be made: one more call, which changes
        nothing. Raises ForeignStore."""
        if not self._is_checked:
            yield from self._check(write=False, adopt=False)
        return (yield from steps)

    def own(self, *, adopt: bool) -> ScriptSteps[None]:
        """One call. Raises ForeignStore."""
        yield from self._check(write=True, adopt=adopt)

    def _check(self, *, write: bool, adopt: bool) -> ScriptSteps[None]:
        if self._owner is None:
            return
        keys, layout = list(self._owner.keys), self._owner.layout
        answer = yield self._calls("own", keys=keys, layout=layout, write=write, adopt=adopt)
        check_owner(self._owner, _stored_owner.decode(answer), separate_by=SEPARATE_BY)
        self._is_checked = True


class OwnedOperations:
    """Methods of a contract, over the same calls and the same owner check."""

    def __init__(self, calls: ScriptCalls, ownership: Ownership) -> None:
        self._calls = calls
        self._ownership = ownership

    def steps_of(
        self, operation: Operation[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> ScriptSteps[T]:
        """The steps of this method with these arguments; only `own` makes no check first."""
        steps: ScriptSteps[T] = getattr(self, operation.name)(*args, **kwargs)
        return steps if operation.name == "own" else self._ownership.guard(steps)
