"""Guards: the names of other packages that ``realtime`` uses beyond their public API.

One file per package lists every such name with what the code relies on: that it exists, its
parameters, or its value. An upgrade that renames or changes one fails here within a second, and
the failure says which name of which version differs, and which file of ours uses it.

``pyproject.toml`` bounds these packages to the versions that were tested; the system check
``realtime.W010`` reads the same bounds from the metadata of the installed distribution and warns of
versions outside them.

To raise a bound:

1. Raise it in ``pyproject.toml`` and run ``make lock UPGRADE=1 && make setup``.
2. Run ``.venv/bin/python -m pytest tests/guards``. For each failure read the new source, change the
   code that uses the name, and then the guard.
3. For a server package (daphne, autobahn, Twisted, uvicorn, websockets) also read the diff of the
   methods that ours override: a guard sees names and parameters, not what a method does.
4. Run ``make test``, and ``make conformance`` where it can run.

Code that uses a private name, overrides an undocumented method or reads an undocumented attribute
is added here in the same commit.
"""
