"""Whose store it is, in a database that several machines may share."""

from realtime.models import Registry

from ..ownership import Holder, Owner, check
from .transaction import Database

APART = "a database of its own (STORE)"


class Ownership:
    """Looks before the first use of a database. A file is nobody else's: it is not asked, and
    neither is anything without an owner."""

    def __init__(self, database: Database, owner: Owner | None) -> None:
        self._database = database
        self._owner = owner
        self._registry = Registry.objects.using(database.alias)
        if owner is not None:
            database.before_use = self._look

    def _look(self) -> None:
        if self._owner is not None and self._database.is_shared:
            found = self._registry.values_list("owner_key", "layout").first()
            check(self._owner, Holder(*found) if found else Holder(), apart=APART)

    def own(self, *, adopt: bool) -> None:
        """See the contract."""
        if self._owner is None or not self._database.is_shared:
            return
        if adopt:
            self._database.before_use = None
        with self._database.write():
            self._registry.get_or_create(id=1)
            row = self._registry.select_for_update().get(id=1)
            if not adopt:
                check(self._owner, Holder(row.owner_key, row.layout), apart=APART)
            row.owner_key, row.layout = self._owner.keys[0], self._owner.layout
            row.save(update_fields=["owner_key", "layout"])
