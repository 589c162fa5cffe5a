import numpy as np
import pytest

from oneshot_hpo.search_spaces import Cell, InvalidCell
from oneshot_hpo.search_spaces.nasbench import model_spec
from oneshot_hpo.search_spaces.nasbench.model_spec import ModelSpec
from oneshot_hpo.search_spaces.nasbench101.cell import OPERATIONS

CHAIN = [[0, 1, 0], [0, 0, 1], [0, 0, 0]]


def test_a_full_graph_stays_as_it_is():
    diamond = np.array([[0, 1, 1, 0], [0, 0, 0, 1], [0, 0, 0, 1], [0, 0, 0, 0]], np.int8)
    spec = ModelSpec(diamond, ["input", "a", "b", "output"])
    assert spec.valid_spec
    np.testing.assert_array_equal(spec.matrix, diamond)
    assert spec.matrix.dtype == np.int8
    assert spec.ops == spec.original_ops == ["input", "a", "b", "output"]


def test_vertices_on_no_path_go_and_the_original_stays():
    matrix = np.zeros((6, 6), int)
    matrix[0, 1] = matrix[1, 5] = 1
    matrix[0, 2] = 1  # a dead end
    matrix[3, 4] = matrix[4, 5] = 1  # not reached
    spec = ModelSpec(matrix.tolist(), ["in", "a", "b", "c", "d", "out"])
    assert spec.valid_spec
    np.testing.assert_array_equal(spec.matrix, CHAIN)
    assert spec.ops == ["in", "a", "out"]
    np.testing.assert_array_equal(spec.original_matrix, matrix)
    assert spec.original_ops == ["in", "a", "b", "c", "d", "out"]


@pytest.mark.parametrize("kind", [list, tuple, np.array])
def test_labels_stay_of_the_kind_that_was_given(kind):
    given = kind(["input", OPERATIONS[0], OPERATIONS[1], "output"])
    whole = ModelSpec(np.eye(4, k=1, dtype=int), given)
    pruned = ModelSpec([[0, 1, 1, 0], [0, 0, 0, 1], [0] * 4, [0] * 4], given)
    for labels, expected in (
        (whole.ops, ["input", OPERATIONS[0], OPERATIONS[1], "output"]),
        (whole.original_ops, ["input", OPERATIONS[0], OPERATIONS[1], "output"]),
        (pruned.ops, ["input", OPERATIONS[0], "output"]),
    ):
        assert type(labels) is type(given)
        assert list(labels) == expected
    assert pruned.hash_spec(OPERATIONS) == "b49ac8c578b4561d79ac7087988f1c61"


def test_labels_need_not_be_hashable():
    spec = ModelSpec(CHAIN, [[1, 0], [0, 1], [0, 0]])
    assert spec.hash_spec([[1, 1], [0, 1]]) == ModelSpec(CHAIN, "iao").hash_spec("xa")
    spec.original_ops[1].append(5)
    assert spec.ops[1] == [0, 1]


@pytest.mark.parametrize(
    "matrix",
    [[[0]], [[0, 0], [0, 0]], [[0, 1, 0], [0, 0, 0], [0, 0, 0]], [[0, 0, 0], [0, 0, 1], [0, 0, 0]]],
)
def test_without_a_path_a_spec_is_invalid_and_has_no_hash(matrix):
    spec = ModelSpec(matrix, ["input", "output"] if len(matrix) == 2 else [1] * len(matrix))
    assert not spec.valid_spec
    assert spec.matrix is None and spec.ops is None
    with pytest.raises(InvalidCell, match="no path"):
        spec.hash_spec(OPERATIONS)


def test_changes_of_what_was_given_do_not_reach_the_spec():
    matrix, operations = np.array(CHAIN), ["input", "maxpool3x3", "output"]
    spec = ModelSpec(matrix, operations)
    matrix[0, 2] = 1
    operations[1] = "conv3x3-bn-relu"
    np.testing.assert_array_equal(spec.original_matrix, CHAIN)
    spec.original_matrix[0, 1] = 0
    np.testing.assert_array_equal(spec.matrix, CHAIN)
    assert spec.original_ops == spec.ops == ["input", "maxpool3x3", "output"]


@pytest.mark.parametrize(
    ("matrix", "operations", "words"),
    [
        ([[0, 1], [0, 0]], ["input", "a", "output"], "3 operations do not fit"),
        ([[0, 1, 0], [0, 0, 1]], ["input", "output"], r"square, not of shape \(2, 3\)"),
        ([[0, 1], [0]], ["input", "output"], "rows differ"),
        ([0, 1], ["input", "output"], "square"),
        ([], [], "square"),
        ([[0, 1], [1, 0]], ["input", "output"], "upper triangular"),
        ([[1, 1], [0, 0]], ["input", "output"], "upper triangular"),
        ([[0, 2], [0, 0]], ["input", "output"], "0 and 1"),
    ],
)
def test_an_invalid_module_gives_the_reason(matrix, operations, words):
    with pytest.raises(InvalidCell, match=words):
        ModelSpec(matrix, operations)


def test_an_operation_outside_the_benchmark_has_no_code():
    spec = ModelSpec(CHAIN, ["input", "conv5x5", "output"])
    assert spec.valid_spec
    with pytest.raises(InvalidCell, match="'conv5x5' is none of conv3x3-bn-relu"):
        spec.hash_spec(OPERATIONS)


def test_the_order_of_the_operations_is_part_of_the_hash():
    spec = ModelSpec(CHAIN, ["input", OPERATIONS[0], "output"])
    assert spec.hash_spec(OPERATIONS) == "b49ac8c578b4561d79ac7087988f1c61"
    assert spec.hash_spec(OPERATIONS[::-1]) != spec.hash_spec(OPERATIONS)


def test_a_dtype_does_not_change_the_hash():
    operations = ["input", OPERATIONS[0], "output"]
    hashes = {
        ModelSpec(np.array(CHAIN, dtype), operations).hash_spec(OPERATIONS)
        for dtype in (bool, np.int8, np.int64, float)
    }
    assert len(hashes) == 1


def test_random_matrices_are_pruned_and_hashed_like_cells():
    rng = np.random.default_rng(0)
    valid = 0
    for _ in range(300):
        matrix = np.triu(rng.integers(0, 2, (7, 7)), 1)
        operations = ["input", *rng.choice(OPERATIONS, 5).tolist(), "output"]
        spec = ModelSpec(matrix, operations)
        if spec.valid_spec:
            valid += 1
            cell = Cell.pruned(matrix, operations)
            assert spec.matrix.tolist() == [list(row) for row in cell.matrix]
            assert spec.ops == list(cell.operations)
            assert spec.hash_spec(OPERATIONS) == cell.hash
    assert 200 < valid < 300


@pytest.mark.parametrize(
    ("matrix", "upper"),
    [
        ([[0]], True),
        ([[1]], False),
        ([[0, 1], [0, 0]], True),
        ([[0, 1], [1, 0]], False),
        ([[0, 1, 1], [0, 0, 1], [1, 0, 0]], False),
    ],
)
def test_upper_triangular_means_nothing_on_the_diagonal(matrix, upper):
    assert model_spec.is_upper_triangular(np.array(matrix)) is upper
