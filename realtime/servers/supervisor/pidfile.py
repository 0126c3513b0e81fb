"""A pid file that is never half written, never two processes', and never in the way when stale."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO


class Unusable(Exception):
    """The process that the file names is alive, or no file can be written; the text says which."""


@contextmanager
def pid_file(path: Path) -> Iterator[None]:
    """This process's pid is in the file while the block runs; then the file is removed.

    Its owner holds a lock on it, which the kernel releases however the owner ends: a file
    without one is stale, whoever has the pid in it today, and is replaced. Raises
    :class:`Unusable`.
    """
    try:
        with _alone_in(path.parent):
            _refuse_occupied(path)
            ours = _written(path)
    except OSError as error:
        raise Unusable(f"cannot write {path}: {error.strerror}") from None
    with ours:
        try:
            yield
        finally:
            _remove(path, ours)


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Whoever else wants a file here waits: of two that find a stale one, one takes it."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _refuse_occupied(path: Path) -> None:
    with suppress(FileNotFoundError), path.open() as existing:
        try:
            fcntl.flock(existing, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Unusable(f"{path} belongs to process {existing.read().strip()}") from None


def _written(path: Path) -> IO[str]:
    """The file in its place, complete and locked; to be kept open."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    file = draft.open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        file.write(f"{os.getpid()}\n")
        file.flush()
        draft.replace(path)
    except OSError:
        file.close()
        draft.unlink(missing_ok=True)
        raise
    return file


def _remove(path: Path, ours: IO[str]) -> None:
    """Unless another process has put its own there meanwhile."""
    with suppress(FileNotFoundError):
        if os.path.samestat(path.stat(), os.fstat(ours.fileno())):
            path.unlink()
