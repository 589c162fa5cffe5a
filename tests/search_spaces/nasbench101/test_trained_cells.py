import dataclasses

import numpy as np
import pytest

from oneshot_hpo.search_spaces import Cell, TableError, get_space, load_table
from oneshot_hpo.search_spaces.nasbench101.trained_cells import TrainedCells, hash_array
from oneshot_hpo.search_spaces.table import MissingCell, Origin, Runs
from oneshot_hpo.search_spaces.table_file import write_table

SPACE = get_space(1)


@pytest.fixture(scope="module")
def table() -> TrainedCells:
    """Hits drawn at random for every cell of space 1: synthetic, only to test the interface."""
    rng = np.random.default_rng(0)
    shape = (SPACE.num_cells, 2, 3)
    return TrainedCells.of_cells(
        SPACE.cells,
        parameters=rng.integers(100, 1000, SPACE.num_cells),
        budgets=(2, 4),
        images={"valid": 100, "test": 200},
        final=Runs(
            hits={
                "valid": rng.integers(50, 101, shape).astype(np.uint16),
                "test": rng.integers(100, 201, shape).astype(np.uint16),
            },
            seconds=rng.random(shape).astype(np.float32),
        ),
        provenance={"name": "synthetic"},
    )


def row_of(table: TrainedCells, cell: Cell) -> int:
    return [digest.tobytes().hex() for digest in table.hashes].index(cell.hash)


def test_one_cell_is_its_row(table):
    cell = SPACE.cells[17]
    row = row_of(table, cell)
    entry = table.query(cell, budget=2)
    assert entry.hash == cell.hash and entry.budget == 2
    valid_hits = table.final.hits["valid"][row, 0]
    np.testing.assert_allclose(entry.valid_errors, 1 - valid_hits / 100, atol=1e-7)
    assert entry.valid_error == pytest.approx(entry.valid_errors.mean())
    assert entry.test_error == pytest.approx(1 - table.final.hits["test"][row, 0].mean() / 200)
    assert entry.seconds == pytest.approx(table.final.seconds[row, 0].mean())
    assert entry.parameters == table.parameters[row]
    assert table.query(cell).budget == 4


def test_a_row_gives_back_its_cell(table):
    for cell in SPACE.cells[::100]:
        assert table.cell(row_of(table, cell)) == cell


def test_accuracies_are_in_single_precision_as_nasbench101_records_them(table):
    hits = table.final.hits["test"][:, 1]
    accuracies = table.accuracies("test", np.arange(len(table)), 4)
    assert accuracies.dtype == np.float64
    np.testing.assert_array_equal(accuracies, np.float32(hits / 200))


def test_many_at_once_agree_with_one_by_one(table):
    cells = SPACE.cells[::40]
    rows = table.rows(hash_array(cells))
    valid, test = table.valid_errors(rows), table.test_errors(rows)
    assert valid.shape == test.shape == (len(cells), 3)
    for cell, v, t in zip(cells, valid, test, strict=True):
        entry = table.query(cell)
        np.testing.assert_array_equal(v, entry.valid_errors)
        np.testing.assert_array_equal(t, entry.test_errors)


def test_graphs_and_hashes_find_the_same_rows(table):
    """Loose ends and vertices without edges included."""
    adjacency, operations = SPACE.cell_graphs
    rows = table.find(adjacency, operations)
    np.testing.assert_array_equal(rows, table.rows(hash_array(SPACE.cells)))
    np.testing.assert_array_equal(rows, table.entries(SPACE))

    wider = np.zeros((len(adjacency), 8, 8), bool)
    wider[:, :5, :5], wider[:, :5, 7] = adjacency[:, :5, :5], adjacency[:, :5, 5]
    padded = np.pad(operations, ((0, 0), (0, 2)))
    np.testing.assert_array_equal(table.find(wider, padded), rows)


@pytest.mark.parametrize("metric", ["valid", "test"])
def test_cells_with_as_many_hits_have_equal_mean_errors(metric):
    """To the last bit: means of rounded shares differ in it, and break ties by chance."""
    digits = load_table("digits")
    rows = digits.entries(SPACE)
    hits = digits.final.hits[metric][rows, -1].sum(1)
    errors = digits.mean_errors(metric, rows)
    np.testing.assert_array_equal(
        np.unique(errors, return_inverse=True)[1],
        np.unique(-hits.astype(int), return_inverse=True)[1],
    )
    repeats = digits.valid_errors(rows) if metric == "valid" else digits.test_errors(rows)
    np.testing.assert_allclose(errors, repeats.mean(1), atol=1e-7)
    for row in rows[:40].tolist():
        assert digits.mean_errors(metric, row) == digits.mean_errors(metric, np.array([row]))[0]
    first = digits.query(SPACE.cells[0])
    assert errors[0] == (first.valid_error if metric == "valid" else first.test_error)


def test_cells_that_are_as_good_do_not_count_as_worse():
    digits = load_table("digits")
    hits = digits.final.hits["test"][digits.entries(SPACE), -1].sum(1)
    for index in np.argsort(-hits.astype(int))[:60].tolist():
        architecture = SPACE.architecture(int(SPACE.unique.first[index]))
        worse = 100 * (hits < hits[index]).mean()
        assert digits.percentile(SPACE, architecture) == pytest.approx(worse, abs=1e-9)


def test_best_is_over_means_of_the_whole_space(table):
    entries = [table.query(cell) for cell in SPACE.cells]
    best = table.best(SPACE)
    assert best.valid_error == pytest.approx(min(entry.valid_error for entry in entries))
    assert best.test_error == pytest.approx(min(entry.test_error for entry in entries))


def test_percentile_is_the_share_of_worse_cells(table):
    entries = [table.query(cell).test_error for cell in SPACE.cells]
    for index in (0, 100, 2000):
        architecture = SPACE.architecture(int(SPACE.unique.first[index]))
        worse = np.mean([error > entries[index] for error in entries]) * 100
        assert table.percentile(SPACE, architecture) == pytest.approx(worse)


def test_what_is_missing_is_named(table):
    names = {digest.tobytes().hex() for digest in table.hashes}
    foreign = [cell for cell in get_space(2).cells if cell.hash not in names]
    with pytest.raises(MissingCell, match=f"lacks the cell with hash {foreign[0].hash}"):
        table.query(foreign[0])
    with pytest.raises(MissingCell, match=r"budgets 2, 4, not 3"):
        table.query(SPACE.cells[0], budget=3)
    with pytest.raises(MissingCell, match=f"space 2: .* lacks {len(foreign)} of 7773 cells") as e:
        table.best(get_space(2))
    assert foreign[0].hash in str(e.value)
    assert table.coverage(get_space(2)) == 7_773 - len(foreign)
    with pytest.raises(MissingCell, match="synthetic has no train accuracies"):
        table.accuracies("train", 0)
    with pytest.raises(MissingCell, match="synthetic has no values from halfway"):
        table.query(SPACE.cells[0], halfway=True)


class TestShippedDigits:
    """The table that ships: every cell of space 1, as the README states it."""

    digits = staticmethod(lambda: load_table("digits"))

    def test_holds_every_cell_of_space_1(self):
        table = self.digits()
        assert len(table.entries(SPACE)) == SPACE.num_cells == len(table)
        assert table.final.seconds.shape == (2_685, len(table.budgets), 3)
        assert len(table.budgets) >= 3

    def test_noise_between_seeds_is_clearly_below_the_spread_between_cells(self):
        errors = self.digits().valid_errors(np.arange(SPACE.num_cells))
        between_seeds = np.sqrt(errors.var(1, ddof=1).mean())
        between_cells = errors.mean(1).std(ddof=1)
        assert between_seeds < between_cells / 2

    def test_says_how_it_was_made(self):
        provenance = self.digits().provenance
        assert provenance["command"].startswith("oneshot-hpo table build --space 1")
        assert provenance["versions"]["torch"] and provenance["training_hours"] > 0


def test_imputed_values_are_marked_in_the_file(tmp_path):
    table = load_table("digits")
    space, rows = get_space(1), np.arange(6)
    codes = np.zeros((len(table), len(table.budgets)), np.uint8)
    codes[2, -1], codes[4, 0] = Origin.IMPUTED, Origin.MEAN
    marked = dataclasses.replace(table, origins={"test_error": codes})
    write_table(marked, tmp_path / "marked.npz")
    for one in (marked, load_table(tmp_path / "marked.npz")):
        assert one.origin("test_error", rows).tolist() == [0, 0, Origin.IMPUTED, 0, 0, 0]
        assert one.origin("test_error", rows, 1).tolist() == [0, 0, 0, 0, Origin.MEAN, 0]
        assert not one.origin("valid_error", rows).any()
        assert one.record(2).origins["test_error"] == Origin.IMPUTED
    assert not table.origin("test_error", table.entries(space)).any()
    write_table(dataclasses.replace(table, origins={"colour": codes}), tmp_path / "wrong.npz")
    with pytest.raises(TableError, match="colour"):
        load_table(tmp_path / "wrong.npz")


def test_results_rest_on_imputed_values_where_their_row_or_the_best_is_imputed():
    table, space = load_table("digits"), get_space(1)
    rows = table.entries(space)
    best = int(rows[table.mean_errors("test", rows).argmin()])

    def rests(imputed, row):
        codes = np.zeros((len(table), len(table.budgets)), np.uint8)
        codes[imputed, -1] = Origin.IMPUTED
        return dataclasses.replace(table, origins={"test_error": codes}).rests_on_imputed(
            space, row
        )

    assert not table.rests_on_imputed(space, 7)
    assert rests(7, 7)
    assert not rests(8, 7)
    assert rests(best, 7)


def test_values_are_by_metric():
    table = load_table("digits")
    rows = np.arange(5)
    assert list(table.metrics) == ["valid_error", "test_error", "seconds", "parameters"]
    np.testing.assert_array_equal(table.values("test_error", rows, 2), table.test_errors(rows, 2))
    np.testing.assert_array_equal(table.values("seconds", rows), table.seconds(rows))
    assert table.values("parameters", 3).tolist() == [table.parameters[3]]
    with pytest.raises(MissingCell, match="has no accuracy: it has valid_error, test_error"):
        table.values("accuracy", rows)
    with pytest.raises(MissingCell, match="no train accuracies"):
        table.values("train_error", rows)


def test_entries_are_the_unique_cells():
    table, space = load_table("digits"), get_space(1)
    for architecture in map(space.architecture, (0, 77, 14_579)):
        row = table.row_of(space, architecture)
        assert table.key(row) == space.key(architecture)
        assert row == table.row(space.cell(architecture).hash)
        assert table.entry(space, architecture) == space.cell_index(architecture)
