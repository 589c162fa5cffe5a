import numpy as np
import pytest

from oneshot_hpo.search_spaces import Cell, InvalidCell
from oneshot_hpo.search_spaces.nasbench101.cell import OPERATIONS

CHAIN = ((0, 1, 0), (0, 0, 1), (0, 0, 0))


def test_pruning_drops_vertices_that_lead_nowhere_or_come_from_nowhere():
    matrix = np.zeros((5, 5), int)
    matrix[0, 1] = matrix[1, 4] = 1
    matrix[0, 2] = 1  # a dead end
    matrix[3, 4] = 1  # not reached
    operations = ("input", "conv3x3-bn-relu", "maxpool3x3", "conv1x1-bn-relu", "output")
    cell = Cell.pruned(matrix, operations)
    assert cell == Cell(CHAIN, ("input", "conv3x3-bn-relu", "output"))


@pytest.mark.parametrize(
    ("matrix", "operations", "words"),
    [
        ([[0, 1], [0, 0]], ("input", "conv3x3-bn-relu", "output"), "3 x 3 matrix"),
        ([[0]], ("input",), "at least 2 x 2"),
        ([[0, 2], [0, 0]], ("input", "output"), "entries 0 and 1"),
        ([[0, 1], [1, 0]], ("input", "output"), "upper triangular"),
        (CHAIN, ("input", "conv5x5", "output"), "conv5x5"),
        (CHAIN, ("output", "maxpool3x3", "input"), "'input', then"),
        ([[0, 1, 0], [0, 0, 0], [0, 0, 0]], ("input", "maxpool3x3", "output"), "no path"),
    ],
)
def test_an_invalid_cell_gives_the_reason(matrix, operations, words):
    with pytest.raises(InvalidCell, match=words):
        Cell.pruned(matrix, operations)


def test_hash_is_the_same_for_isomorphic_cells_and_differs_between_labels():
    first = np.zeros((4, 4), int)
    first[0, 1] = first[0, 2] = first[1, 3] = first[2, 3] = 1
    ab = Cell.pruned(first, ("input", "conv3x3-bn-relu", "maxpool3x3", "output"))
    ba = Cell.pruned(first, ("input", "maxpool3x3", "conv3x3-bn-relu", "output"))
    aa = Cell.pruned(first, ("input", "maxpool3x3", "maxpool3x3", "output"))
    assert ab.hash == ba.hash != aa.hash


# Rows 0, 1, 5000, 200000, 423623 and the best by mean test accuracy and by mean validation
# accuracy, hashed by an independent program.
OFFICIAL = [
    ("01 00", "", "043721b9c7fe8c5fad811d47d83132ec"),
    ("010 001 000", "0", "b49ac8c578b4561d79ac7087988f1c61"),
    ("011100 001110 000100 000010 000001 000000", "2102", "d8d3194de6632b78970afed982ec1821"),
    (
        "0100000 0011001 0000110 0000100 0000010 0000001 0000000",
        "21122",
        "550a70282aca255d22905265ee0c22d6",
    ),
    (
        "0100000 0010000 0001001 0000101 0000011 0000001 0000000",
        "22222",
        "6b0fce0c9c4bcbec4a210bd9d2c5b209",
    ),
    (
        "0110011 0000010 0001000 0000100 0000010 0000001 0000000",
        "10200",
        "02e5a0247bbdcf2860b7e96f74961594",
    ),
    ("011111 000010 000100 000010 000001 000000", "0000", "0da48e9f9faecf504244c65b82e0ba71"),
]


@pytest.mark.parametrize(("rows", "codes", "official"), OFFICIAL)
def test_hash_is_nas_bench_101s(rows, codes, official):
    matrix = [[int(bit) for bit in row] for row in rows.split()]
    operations = ("input", *(OPERATIONS[int(code)] for code in codes), "output")
    assert Cell.pruned(matrix, operations).hash == official


def test_hashes_of_1000_random_cells_of_nas_bench_101(nasbench101):
    rng = np.random.default_rng(0)
    for row in rng.choice(len(nasbench101), 1000, replace=False):
        matrix, operations, official, _ = nasbench101[row]
        assert Cell.pruned(matrix, operations).hash == official
