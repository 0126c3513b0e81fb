"""The owner of a store, in a database that several machines may share."""

from realtime.models import Registry

from ..ownership import Owner, StoredOwner, check_owner
from .transaction import Database

SEPARATE_BY = "a database of its own (STORE)"


class Ownership:
    """Checks the owner before the first use of a database. Without an owner, and in a SQLite file,
    which has only one user, there is no check."""

    def __init__(self, database: Database, owner: Owner | None) -> None:
        self._database = database
        self._owner = owner
        self._registry = Registry.objects.using(database.alias)
        if owner is not None:
            database.before_use = self._check

    def _check(self) -> None:
        if self._owner is not None and self._database.is_shared:
            found = self._registry.values_list("owner_key", "layout").first()
            stored = StoredOwner(*found) if found else StoredOwner()
            check_owner(self._owner, stored, separate_by=SEPARATE_BY)

    def own(self, *, adopt: bool) -> None:
        if self._owner is None or not self._database.is_shared:
            return
        if adopt:
            self._database.before_use = None
        with self._database.write():
            self._registry.get_or_create(id=1)
            row = self._registry.select_for_update().get(id=1)
            if not adopt:
                stored = StoredOwner(row.owner_key, row.layout)
                check_owner(self._owner, stored, separate_by=SEPARATE_BY)
            row.owner_key, row.layout = self._owner.keys[0], self._owner.layout
            row.save(update_fields=["owner_key", "layout"])
