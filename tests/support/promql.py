"""PromQL read by a library: which metrics an expression names, how, and with which matchers."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import promql_parser
from promql_parser import BinaryExpr, Call, Expr, MatrixSelector, ParenExpr, VectorSelector

RATE_INTERVAL, RANGE = timedelta(seconds=67), timedelta(seconds=3607)
"""What stands for `$__rate_interval` and `$__range`: lengths that nobody would write."""

_CHILDREN = ("lhs", "rhs", "expr", "param")


@dataclass(frozen=True)
class Use:
    """One selector: the metric, its matchers (label -> operator and value), the function and the range around it."""

    metric: str
    matchers: dict[str, tuple[str, str]]
    function: str = ""
    range: timedelta | None = None
    is_birth: bool = False
    """It is half of `x unless x offset w`, which selects the counters that were born in the last w."""


def parse(expression: str) -> Expr:
    """Read an expression of a panel; raises ValueError."""
    lengths = {"$__rate_interval": RATE_INTERVAL, "$__range": RANGE}
    for variable, length in lengths.items():
        expression = expression.replace(variable, f"{int(length.total_seconds())}s")
    return promql_parser.parse(expression)


def uses(expression: str) -> list[Use]:
    """Every selector of an expression, in its order; raises ValueError for what is no PromQL."""
    return list(_uses(parse(expression), "", is_birth=False))


def _uses(node: Expr, function: str, *, is_birth: bool) -> Iterator[Use]:
    match node:
        case VectorSelector():
            yield _use(node, function, None, is_birth=is_birth)
        case MatrixSelector():
            yield _use(node.vector_selector, function, node.range, is_birth=is_birth)
        case Call():
            for argument in node.args:
                yield from _uses(argument, node.func.name, is_birth=is_birth)
        case _:
            born = isinstance(node, BinaryExpr) and _selects_births(node)
            for child in _children(node):
                yield from _uses(child, function, is_birth=born or (is_birth and isinstance(node, ParenExpr)))


def _children(node: Expr) -> Iterator[Expr]:
    for name in _CHILDREN:
        child = getattr(node, name, None)
        if isinstance(child, Expr):
            yield child


def _use(node: VectorSelector, function: str, length: timedelta | None, *, is_birth: bool) -> Use:
    matchers = {matcher.name: (_OPERATORS[str(matcher.op)], matcher.value) for matcher in node.matchers.matchers}
    return Use(node.name or "", matchers, function, length, is_birth)


def _selects_births(node: BinaryExpr) -> bool:
    left, right = _plain(node.lhs), _plain(node.rhs)
    if not (isinstance(left, VectorSelector) and isinstance(right, VectorSelector)):
        return False
    same = left.name == right.name and str(left.matchers) == str(right.matchers)
    return same and left.offset is None and right.offset is not None


def _plain(node: Expr) -> Expr:
    return _plain(node.expr) if isinstance(node, ParenExpr) else node


_OPERATORS = {"MatchOp.Equal": "=", "MatchOp.NotEqual": "!=", "MatchOp.Re": "=~", "MatchOp.NotRe": "!~"}
