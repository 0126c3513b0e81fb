"""Expectations of a package: names, parameters, attributes of instances."""

import inspect
import re
import sys
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

SIMPLE = (type(None), bool, int, float, str, bytes)


@dataclass(frozen=True)
class Callable:
    """A function or method; ``parameters`` are names and defaults, without annotations."""

    owner: Any
    name: str
    parameters: str

    def problem(self) -> str:
        """Describe the difference; "" if there is none."""
        found = getattr(self.owner, self.name, None)
        if found is None:
            return f"{label(self.owner)}.{self.name}() is gone"
        actual = parameters_of(found)
        if actual == self.parameters:
            return ""
        return f"{label(self.owner)}.{self.name} takes ({actual}), not ({self.parameters})"


@dataclass(frozen=True)
class Attribute:
    """A name of a module or class, or one that the methods of a class assign to ``self``."""

    owner: Any
    name: str

    def problem(self) -> str:
        """Describe the difference; "" if there is none."""
        if hasattr(self.owner, self.name) or assigns(self.owner, self.name):
            return ""
        return f"{label(self.owner)}.{self.name} is gone"


@dataclass(frozen=True)
class Keywords:
    """A function that takes at least these parameters by keyword."""

    owner: Any
    name: str
    keywords: str

    def problem(self) -> str:
        """Describe the difference; "" if there is none."""
        function = getattr(self.owner, self.name, None)
        if function is None:
            return f"{label(self.owner)}.{self.name}() is gone"
        missing = set(self.keywords.split()) - set(inspect.signature(function).parameters)
        if not missing:
            return ""
        return f"{label(self.owner)}.{self.name} takes no {', '.join(sorted(missing))}"


Expectation = Callable | Attribute | Keywords


def callables(owner: Any, **parameters: str) -> list[Expectation]:
    """One :class:`Callable` per keyword: its name, and its parameters as a text."""
    return [Callable(owner, name, text) for name, text in parameters.items()]


def attributes(owner: Any, names: str) -> list[Expectation]:
    """One :class:`Attribute` per word of ``names``."""
    return [Attribute(owner, name) for name in names.split()]


def check(distribution: str, expectations: list[Expectation], *, used_in: str) -> None:
    """Fail with every expectation that the installed version does not meet."""
    problems = [problem for each in expectations if (problem := each.problem())]
    assert not problems, "\n".join(
        [f"{distribution} {version(distribution)} differs; look at realtime/{used_in}:", *problems]
    )


def label(owner: Any) -> str:
    """The owner's name for a message."""
    module = getattr(owner, "__module__", "")
    return f"{module}.{owner.__qualname__}" if module and isinstance(owner, type) else str(owner)


def parameters_of(function: Any) -> str:
    """Names and defaults, such as ``self, code=None, *rest``; ``...`` for a default object."""
    parameters = inspect.signature(function).parameters.values()
    return str(inspect.Signature([_plain(each) for each in parameters]))[1:-1]


def _plain(parameter: inspect.Parameter) -> inspect.Parameter:
    default = parameter.default
    simple = default is inspect.Parameter.empty or isinstance(default, SIMPLE)
    return parameter.replace(
        annotation=inspect.Parameter.empty, default=default if simple else Ellipsis
    )


def assigns(owner: Any, name: str) -> bool:
    """Whether the modules of this class and of those that it inherits from assign ``self.name``."""
    if not isinstance(owner, type):
        return False
    pattern = re.compile(rf"\bself\.{name}\b\s*(?::[^=\n]+)?=(?!=)|^    {name}:", re.MULTILINE)
    return any(pattern.search(source_of(each)) for each in owner.__mro__)


def source_of(owner: type) -> str:
    """The source of the module of a class; "" for one that is built in."""
    path = getattr(sys.modules.get(owner.__module__), "__file__", None)
    return _source(path) if path else ""


@cache
def _source(path: str) -> str:
    """Read as a text: to find a class in a large module, ``inspect`` takes seconds."""
    return Path(path).read_text() if path.endswith(".py") else ""
