"""Genotypes in the text of Python, as the authors' genotypes.py has them: read as data, not run."""

from __future__ import annotations

import ast
from typing import Any

from oneshot_hpo.search_spaces.choices import InvalidArchitecture

_LONGEST = 10_000
_MOST_NODES = 100
_FIELDS = ("normal", "normal_concat", "reduce", "reduce_concat")


def parse_genotype(text: str) -> dict[str, Any]:
    """The document of `Genotype(normal=[('sep_conv_3x3', 0), …], normal_concat=range(2, 6), …)`.

    A name and an equals sign may stand before it. Raises InvalidArchitecture, on one line.
    """
    problem = f"not a genotype of DARTS, Genotype(normal=[…], …): {text.strip()[:80]!r}"
    if len(text) > _LONGEST:
        raise InvalidArchitecture(problem)
    try:
        body = ast.parse(text.strip()).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise InvalidArchitecture(problem) from None
    value = body[0].value if len(body) == 1 and isinstance(body[0], ast.Assign | ast.Expr) else None
    call = _call_of(value, "Genotype")
    if call is None:
        raise InvalidArchitecture(problem)

    values = dict(zip(_FIELDS, call.args, strict=False))
    values |= {word.arg: word.value for word in call.keywords if word.arg is not None}
    if set(values) != set(_FIELDS) or len(call.args) + len(call.keywords) != len(_FIELDS):
        raise InvalidArchitecture(problem)
    try:
        return {
            name: _concat(node) if name.endswith("_concat") else ast.literal_eval(node)
            for name, node in values.items()
        }
    except (ValueError, TypeError, RecursionError, MemoryError):
        raise InvalidArchitecture(problem) from None


def _concat(node: ast.expr) -> list[Any]:
    """The nodes of a list, or of range(begin, end); raises ValueError or TypeError."""
    call = _call_of(node, "range")
    if call is None:
        return list(ast.literal_eval(node))
    bounds = [ast.literal_eval(bound) for bound in call.args]
    if call.keywords or any(type(bound) is not int for bound in bounds):
        raise ValueError
    nodes = range(*bounds)
    if len(nodes) > _MOST_NODES:
        raise ValueError
    return list(nodes)


def _call_of(node: ast.expr | None, name: str) -> ast.Call | None:
    """The node, if it is a call of this name."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name:
        return node
    return None
