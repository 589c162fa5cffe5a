"""Vectorised enumeration of a search space: every configuration, pruned and canonical, with numpy.

A topology is one choice of parents for every choice block and the output; a configuration is a
topology with an operation for every choice block. Two configurations are the same cell when
their pruned graphs are isomorphic.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations, permutations, product

import numpy as np

from oneshot_hpo.search_spaces.nasbench101.cell import OPERATIONS, kept_vertices
from oneshot_hpo.search_spaces.space import UniqueCells

_PRUNED = len(OPERATIONS)  # the label of a choice block that pruning removes


@dataclass(frozen=True)
class LabelledCells(UniqueCells):
    """The cells of a space up to isomorphism.

    without_loose_ends: number of labelled cells left by pruning in place, before isomorphism.
    """

    without_loose_ends: int


def parent_choices(num_parents: tuple[int, ...]) -> list[list[tuple[int, ...]]]:
    """For each choice block, then the output: the ways to pick its parents, lexicographic."""
    return [list(combinations(range(node), k)) for node, k in enumerate(num_parents, start=1)]


def topologies(num_parents: tuple[int, ...]) -> np.ndarray:
    """Adjacency matrices of all topologies, bool (T, V, V), the output's parents fastest."""
    vertices = len(num_parents) + 1
    all_parents = list(product(*parent_choices(num_parents)))
    adjacency = np.zeros((len(all_parents), vertices, vertices), bool)
    for index, parents in enumerate(all_parents):
        for node, sources in enumerate(parents, start=1):
            adjacency[index, list(sources), node] = True
    return adjacency


def labellings(num_blocks: int) -> np.ndarray:
    """Operation codes of all labellings, int (3^n, n), the last block's running fastest."""
    return np.array(list(product(range(len(OPERATIONS)), repeat=num_blocks)))


def unique_cells(num_parents: tuple[int, ...]) -> LabelledCells:
    """Find the unique cells among all configurations of a space.

    Canonical form: the least adjacency code over all orders of the choice blocks, then the least
    code of labels over the orders that reach it. Pruned blocks stay as isolated vertices with a
    label of their own, so that all graphs of a space have one size.
    """
    adjacency = topologies(num_parents)
    count, vertices, _ = adjacency.shape
    blocks = vertices - 2
    kept = kept_vertices(adjacency)
    pruned = adjacency & kept[:, :, None] & kept[:, None, :]

    orders = np.array([(0, *order, vertices - 1) for order in permutations(range(1, vertices - 1))])
    codes = np.zeros((count, len(orders)), np.int64)
    for row in range(vertices):
        for column in range(vertices):
            codes = codes * 2 + pruned[:, orders[:, row], orders[:, column]]
    least = codes.min(1)

    labels = labellings(blocks)
    place_value = (_PRUNED + 1) ** np.arange(blocks)[::-1]
    label_codes = np.empty((count, len(labels)), np.int64)
    labelled = set()
    for topology in range(count):
        shown = np.where(kept[topology, 1:-1], labels, _PRUNED)
        reaching = orders[codes[topology] == least[topology], 1:-1] - 1
        label_codes[topology] = (shown[:, reaching] @ place_value).min(1)
        labelled.add((pruned[topology].tobytes(), int(3 ** kept[topology, 1:-1].sum())))

    _, topology_rank = np.unique(least, return_inverse=True)
    keys = topology_rank[:, None] * (_PRUNED + 1) ** blocks + label_codes
    _, first, inverse = np.unique(keys.ravel(), return_index=True, return_inverse=True)
    by_first = np.argsort(first)
    rank = np.empty_like(by_first)
    rank[by_first] = np.arange(len(by_first))
    return LabelledCells(
        first=first[by_first],
        of_configuration=rank[inverse],
        without_loose_ends=sum(ways for _, ways in labelled),
    )
