"""Contract methods: declared once, run by a driver for threads or for an event loop.

A contract class declares each method with :func:`operation` or :func:`read_operation`; the body
is its docstring. On a :class:`BlockingDriver` the method is called as declared; on a
:class:`LoopDriver` it is awaited. Either way it is the driver's ``perform`` that runs it.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar, overload

P = ParamSpec("P")  # of a method
T = TypeVar("T")  # its result


class Operation(Generic[P, T]):
    """A declared method. ``declaration`` has its signature; ``writes`` is False if it reads."""

    def __init__(self, declaration: Callable[Concatenate[Any, P], T], *, writes: bool) -> None:
        self.declaration = declaration
        self.name = declaration.__name__
        self.writes = writes
        self.__doc__ = declaration.__doc__

    @overload
    def __get__(self, driver: None, owner: object) -> "Operation[P, T]": ...
    @overload
    def __get__(self, driver: "BlockingDriver", owner: object) -> Callable[P, T]: ...
    @overload
    def __get__(
        self, driver: "LoopDriver", owner: object
    ) -> Callable[P, Coroutine[Any, Any, T]]: ...
    def __get__(self, driver: "BlockingDriver | LoopDriver | None", owner: object) -> Any:
        return self if driver is None else partial(driver.perform, self)


def operation(declaration: Callable[Concatenate[Any, P], T]) -> Operation[P, T]:
    """Declare a method that may write."""
    return Operation(declaration, writes=True)


def read_operation(declaration: Callable[Concatenate[Any, P], T]) -> Operation[P, T]:
    """Declare a method that changes nothing."""
    return Operation(declaration, writes=False)


class BlockingDriver(ABC):
    """Runs operations in the calling thread."""

    @abstractmethod
    def perform(self, operation: Operation[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run the operation with these arguments; returns or raises what it does."""


class LoopDriver(ABC):
    """Runs operations for the running event loop."""

    @abstractmethod
    async def perform(self, operation: Operation[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run the operation with these arguments; returns or raises what it does."""
