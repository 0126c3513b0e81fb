"""The changes that can be made to a module, one at a time."""

import ast
import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

OPERATORS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.And: ast.Or,
    ast.Or: ast.And,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
}
# Parts without behaviour of their own: types, and options of dataclasses.
PASSED_OVER = ("annotation", "decorator_list", "returns")
NAMES = {"min": "max", "max": "min", "any": "all", "all": "any"}


@dataclass(frozen=True, slots=True)
class Mutant:
    """A module's source with one change, at ``line``."""

    path: Path
    line: int
    change: str
    source: str


def mutants(path: Path) -> Iterator[Mutant]:
    """Every mutant of this file, in the order of its lines."""
    tree = ast.parse(path.read_text())
    for number, node in enumerate(_walk(tree)):
        for variant in range(len(_variants(node))):
            changed = copy.deepcopy(tree)
            target = next(each for at, each in enumerate(_walk(changed)) if at == number)
            before = ast.unparse(target)
            new = _variants(target)[variant]
            mutated = _Replace(target, new).visit(changed)
            yield Mutant(
                path,
                getattr(node, "lineno", 0),
                f"{_short(before)}  ->  {_short(ast.unparse(new))}",
                ast.unparse(ast.fix_missing_locations(mutated)),
            )


def _walk(node: ast.AST) -> Iterator[ast.AST]:
    """Every node that may be changed, parents first."""
    yield node
    for name, value in ast.iter_fields(node):
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and name not in PASSED_OVER:
                yield from _walk(child)


def _short(code: str) -> str:
    first, *more = code.splitlines() or [""]
    return f"{first} ..." if more else first


class _Replace(ast.NodeTransformer):
    def __init__(self, old: ast.AST, new: ast.AST) -> None:
        self._old = old
        self._new = new

    def visit(self, node: ast.AST) -> ast.AST:
        return self._new if node is self._old else self.generic_visit(node)


def _variants(node: ast.AST) -> list[ast.AST]:
    """The nodes that may replace this one."""
    find = VARIANTS.get(type(node))
    return find(node) if find else []


def _with_operator(node: Any) -> list[ast.AST]:
    """The same with the opposite operator; of ``and`` and ``or`` each operand alone, too."""
    old = node.ops[0] if isinstance(node, ast.Compare) else node.op
    if type(old) not in OPERATORS:
        return []
    changed = copy.deepcopy(node)
    new = OPERATORS[type(old)]()
    if isinstance(node, ast.Compare):
        changed.ops[0] = new
    else:
        changed.op = new
    return [changed, *(node.values if isinstance(node, ast.BoolOp) else ())]


def _negated(node: Any) -> list[ast.AST]:
    test = ast.UnaryOp(op=ast.Not(), operand=node.test)
    return [ast.If(test=test, body=node.body, orelse=node.orelse)]


def _other_value(node: Any) -> list[ast.AST]:
    if isinstance(node.value, bool):
        return [ast.Constant(value=not node.value)]
    return [ast.Constant(value=node.value + 1)] if isinstance(node.value, int | float) else []


def _other_name(node: Any) -> list[ast.AST]:
    return [ast.Name(id=NAMES[node.id], ctx=node.ctx)] if node.id in NAMES else []


def _without_call(node: Any) -> list[ast.AST]:
    return [ast.Pass()] if isinstance(node.value, ast.Call | ast.Await) else []


def _without_value(node: Any) -> list[ast.AST]:
    if node.value is None or (isinstance(node.value, ast.Constant) and not node.value.value):
        return []  # None and False are the same to most callers
    return [ast.Return(value=ast.Constant(value=None))]


VARIANTS: dict[type[ast.AST], Callable[[Any], list[ast.AST]]] = {
    ast.AugAssign: _with_operator,
    ast.BinOp: _with_operator,
    ast.BoolOp: _with_operator,
    ast.Break: lambda _: [ast.Continue()],
    ast.Compare: _with_operator,
    ast.Constant: _other_value,
    ast.Continue: lambda _: [ast.Break()],
    ast.Expr: _without_call,
    ast.If: _negated,
    ast.IfExp: lambda node: [node.body, node.orelse],
    ast.Name: _other_name,
    ast.Return: _without_value,
    ast.UnaryOp: lambda node: [node.operand] if isinstance(node.op, ast.Not) else [],
}
