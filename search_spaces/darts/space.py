"""The search space of DARTS (Liu, Simonyan and Yang, ICLR 2019, section 3.1.1 and appendix A.1).

A network has normal and reduction cells. A cell has two inputs, nodes 0 and 1, the outputs of the
two cells before it, and four nodes 2 to 5. Each node is the sum of two operations, each of its own
source among the nodes before. The cell's output is all four nodes, concatenated.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from itertools import permutations
from typing import Any, cast

from oneshot_hpo.search_spaces.choices import Architecture, Choice, InvalidArchitecture
from oneshot_hpo.search_spaces.darts.genotype import parse_genotype
from oneshot_hpo.search_spaces.space import SearchSpace

NONE, SKIP = "none", "skip_connect"
OPERATIONS = (
    *(NONE, "max_pool_3x3", "avg_pool_3x3", SKIP),
    *("sep_conv_3x3", "sep_conv_5x5", "dil_conv_3x3", "dil_conv_5x5"),
)
"""In the order of the authors' genotypes.py."""
CELLS = ("normal", "reduce")
INPUTS = 2
NODES = range(INPUTS, INPUTS + 4)

Edges = tuple[tuple[int, tuple[tuple[int, int], ...]], ...]
"""The edges of a cell: each node with its two (source, place of the operation), ascending."""


class DartsSpace(SearchSpace):
    """Choices normal_2 to normal_5, then reduce_2 to reduce_5: two edges into each node.

    A candidate is an edge, (source, operation), written `sep_conv_3x3~0`; those of one source
    follow each other in the order of `operations` and are a group. The edges that keep `none` are
    barred: it takes part in the mixture of an edge and is never picked.
    """

    name, family, title = "darts", "darts", "the space of DARTS"
    operations = OPERATIONS
    parameter_free = frozenset({NONE, "max_pool_3x3", "avg_pool_3x3", SKIP})

    def __init__(self) -> None:
        self.choices = tuple(_edges_into(cell, node) for cell in CELLS for node in NODES)

    def edge(self, candidate: int) -> tuple[int, int]:
        """The source and the place of the operation of a candidate."""
        return divmod(candidate, len(OPERATIONS))

    def cell(self, architecture: Architecture, cell: str) -> Edges:
        """The edges of an architecture's "normal" or "reduce" cell."""
        begin = CELLS.index(cell) * len(NODES)
        picks = architecture.picks[begin : begin + len(NODES)]
        return tuple(
            (node, tuple(self.edge(place) for place in pick))
            for node, pick in zip(NODES, picks, strict=True)
        )

    def key(self, architecture: Architecture) -> str:
        """The MD5 of its normal form, 32 digits.

        The same for cells that differ in the order of their nodes alone. Cells that compute the
        same for another reason, as two names of one value, have different keys.
        """
        form = [_normal_form(self.cell(architecture, cell)) for cell in CELLS]
        return hashlib.md5(json.dumps(form).encode(), usedforsecurity=False).hexdigest()

    def to_document(self, architecture: Architecture) -> dict[str, Any]:
        """The genotype, with the keys of the authors' genotypes.py.

        `normal` and `reduce` list [operation, source] of two edges a node, by ascending source.
        """
        document: dict[str, Any] = {}
        for cell in CELLS:
            document[cell] = [
                [OPERATIONS[operation], source]
                for _, edges in self.cell(architecture, cell)
                for source, operation in edges
            ]
            document[f"{cell}_concat"] = list(NODES)
        return document

    def from_document(self, document: Mapping[str, Any]) -> Architecture:
        """Read what `to_document` wrote; raises InvalidArchitecture for others."""
        picks: list[tuple[int, ...]] = []
        try:
            for cell in CELLS:
                edges = [(str(name), source) for name, source in document[cell]]
                if len(edges) != 2 * len(NODES):
                    raise InvalidArchitecture(
                        f"{cell} has {len(edges)} edges, not {2 * len(NODES)}"
                    )
                if list(document[f"{cell}_concat"]) != list(NODES):
                    raise InvalidArchitecture(f"{cell}_concat is not {list(NODES)}")
                places = [_candidate(name, source) for name, source in edges]
                picks += [_pair(places[2 * place : 2 * place + 2]) for place in range(len(NODES))]
            architecture = Architecture(tuple(picks))
            self.check(architecture)
        except (KeyError, TypeError, ValueError) as error:
            reason = f"{error} is missing" if isinstance(error, KeyError) else str(error)
            raise InvalidArchitecture(f"not a genotype of DARTS: {reason}") from None
        return architecture

    def text(self, architecture: Architecture) -> str:
        """The genotype in the authors' notation: Genotype(normal=[('sep_conv_3x3', 0), …], …)."""
        words = []
        for name, value in self.to_document(architecture).items():
            words.append(f"{name}={value if 'concat' in name else [tuple(e) for e in value]}")
        return f"Genotype({', '.join(words)})"

    def parse(self, text: str) -> Architecture:
        """Read what `text` wrote, or JSON; raises InvalidArchitecture, on one line."""
        if text.lstrip().startswith("{"):
            return super().parse(text)
        return self.from_document(parse_genotype(text))


def _edges_into(cell: str, node: int) -> Choice:
    edges = [(source, name) for source in range(node) for name in OPERATIONS]
    return Choice(
        f"{cell}_{node}",
        tuple(f"{name}~{source}" for source, name in edges),
        k=2,
        groups=tuple(source for source, _ in edges),
        barred=frozenset(place for place, (_, name) in enumerate(edges) if name == NONE),
    )


def _candidate(name: str, source: Any) -> int:
    """The place of an edge among a choice's candidates; raises InvalidArchitecture."""
    if name not in OPERATIONS or name == NONE:
        kept = ", ".join(kept for kept in OPERATIONS if kept != NONE)
        raise InvalidArchitecture(f"{name!r} is none of the operations that are kept, {kept}")
    if type(source) is not int or not 0 <= source < NODES[-1]:
        raise InvalidArchitecture(f"{source!r} is not a node that an edge begins at")
    return source * len(OPERATIONS) + OPERATIONS.index(name)


def _pair(places: list[int]) -> tuple[int, ...]:
    return tuple(sorted(places))


def _normal_form(cell: Edges) -> Edges:
    """The least of the cells that another order of the nodes makes of this one."""
    return min(
        (_renumbered(cell, dict(zip(NODES, order, strict=True))) for order in permutations(NODES)),
        key=lambda form: (not _is_in_order(form), form),
    )


def _renumbered(cell: Edges, numbers: dict[int, int]) -> Edges:
    nodes = (
        (
            numbers[node],
            tuple(sorted((numbers.get(source, source), operation) for source, operation in edges)),
        )
        for node, edges in cell
    )
    return cast(Edges, tuple(sorted(nodes)))


def _is_in_order(cell: Edges) -> bool:
    """Whether every node comes after its sources."""
    return all(source < node for node, edges in cell for source, _ in edges)


DARTS = DartsSpace()
