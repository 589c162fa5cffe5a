import dataclasses

import numpy as np
import pytest

from search_spaces import get_space
from search_spaces.table import (
    MissingCell,
    TableError,
    TrainedCells,
    hash_array,
    load_table,
    write_table,
)

SPACE = get_space(1)


@pytest.fixture(scope="module")
def table() -> TrainedCells:
    """Hits drawn at random for every cell of space 1: synthetic, only to test the interface."""
    rng = np.random.default_rng(0)
    hashes = hash_array(SPACE.cells)
    hashes = hashes[np.lexsort(hashes.T[::-1])]
    shape = (len(hashes), 2, 3)
    return TrainedCells(
        hashes=hashes,
        budgets=(2, 4),
        valid_hits=rng.integers(50, 101, shape).astype(np.uint16),
        test_hits=rng.integers(100, 201, shape).astype(np.uint16),
        valid_images=100,
        test_images=200,
        seconds=rng.random(shape[:2]).astype(np.float32),
        parameters=rng.integers(100, 1000, len(hashes)).astype(np.int32),
        provenance={"dataset": "synthetic", "space": 1},
    )


def test_one_cell_is_its_row(table):
    cell = SPACE.cells[17]
    row = [h.tobytes().hex() for h in table.hashes].index(cell.hash)
    entry = table.query(cell, budget=2)
    assert entry.hash == cell.hash and entry.budget == 2
    np.testing.assert_allclose(entry.valid_errors, 1 - table.valid_hits[row, 0] / 100)
    assert entry.valid_error == pytest.approx(entry.valid_errors.mean())
    assert entry.test_error == pytest.approx(1 - table.test_hits[row, 0].mean() / 200)
    assert entry.seconds == pytest.approx(table.seconds[row, 0])
    assert entry.parameters == table.parameters[row]
    assert table.query(cell).budget == 4


def test_many_at_once_agree_with_one_by_one(table):
    cells = SPACE.cells[::40]
    rows = table.rows(hash_array(cells))
    valid, test = table.valid_errors(rows), table.test_errors(rows)
    assert valid.shape == test.shape == (len(cells), 3)
    for cell, v, t in zip(cells, valid, test, strict=True):
        entry = table.query(cell)
        np.testing.assert_array_equal(v, entry.valid_errors)
        np.testing.assert_array_equal(t, entry.test_errors)


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
    foreign = next(cell for cell in get_space(2).cells if cell.hash not in _names(table))
    with pytest.raises(MissingCell, match=foreign.hash):
        table.query(foreign)
    with pytest.raises(MissingCell, match=r"budgets 2, 4, not 3"):
        table.query(SPACE.cells[0], budget=3)
    with pytest.raises(MissingCell, match="lacks"):
        table.best(get_space(2))


def test_written_and_read_again_is_the_same(table, tmp_path):
    path = tmp_path / "table.npz"
    write_table(table, path)
    again = load_table(path)
    assert [p.name for p in tmp_path.iterdir()] == ["table.npz"]
    for field in dataclasses.fields(TrainedCells):
        if field.name != "provenance":
            np.testing.assert_array_equal(getattr(again, field.name), getattr(table, field.name))
    assert again.name == "synthetic"


def test_a_table_that_cannot_be_read_says_so(table, tmp_path):
    with pytest.raises(TableError, match=r"no table 'nowhere\.npz'"):
        load_table("nowhere.npz")
    path = tmp_path / "table.npz"
    path.write_text("not a table")
    with pytest.raises(TableError, match="not a table of trained cells"):
        load_table(path)
    write_table(table, path)
    whole = path.read_bytes()
    for length in (10, len(whole) // 2, len(whole) - 10):
        path.write_bytes(whole[:length])
        with pytest.raises(TableError):
            load_table(path)


class TestShippedDigits:
    """The table that ships: every cell of space 1, as the README states it."""

    digits = staticmethod(lambda: load_table("digits"))

    def test_holds_every_cell_of_space_1(self):
        table = self.digits()
        assert len(table.space_rows(SPACE)) == SPACE.num_cells == len(table)
        assert table.valid_hits.shape == (2_685, len(table.budgets), 3)
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


def _names(table: TrainedCells) -> set[str]:
    return {digest.tobytes().hex() for digest in table.hashes}
