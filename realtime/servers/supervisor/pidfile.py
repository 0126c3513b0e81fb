"""A pid file that is never half written, belongs to one process, and is replaced when stale."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO


class Unusable(Exception):
    """A live process holds the file, or it cannot be written; the text says which."""


@contextmanager
def pid_file(path: Path) -> Iterator[None]:
    """Keep this process's pid in the file while the block runs; then remove the file.

    The owner holds a lock on it, which the kernel releases however the owner ends: a file
    without a lock is stale, even if a process has its pid today, and is replaced. Raises
    :class:`Unusable`.
    """
    try:
        with _locked(path.parent):
            _check_free(path)
            ours = _write(path)
    except OSError as error:
        raise Unusable(f"cannot write {path}: {error.strerror}") from None
    with ours:
        try:
            yield
        finally:
            _remove(path, ours)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Make other processes wait: of two that find a stale file, one takes it."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _check_free(path: Path) -> None:
    with suppress(FileNotFoundError), path.open() as existing:
        try:
            fcntl.flock(existing, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Unusable(f"{path} belongs to process {existing.read().strip()}") from None


def _write(path: Path) -> IO[str]:
    """Put the file in its place, complete and locked. The caller keeps it open."""
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
    """Remove the file, unless another process has put its own there meanwhile."""
    with suppress(FileNotFoundError):
        if os.path.samestat(path.stat(), os.fstat(ours.fileno())):
            path.unlink()
