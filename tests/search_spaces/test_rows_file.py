"""Rows of a table say of their cells what the whole table says, and nothing of others."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from oneshot_hpo.search_spaces import (
    Architecture,
    MissingCell,
    Table,
    TableError,
    get_space,
    load_table,
)
from oneshot_hpo.search_spaces.recorded_table import RecordedTable
from oneshot_hpo.search_spaces.recording import Recording
from oneshot_hpo.search_spaces.rows_file import ROWS, rows_document
from oneshot_hpo.search_spaces.table import COST, SCORE, Metric, Origin
from oneshot_hpo.search_spaces.table_file import table_checksum

SPACE = get_space(1)


def drawn(count: int, seed: int = 0) -> list[Architecture]:
    rng = np.random.default_rng(seed)
    return [SPACE.sample(rng) for _ in range(count)]


@pytest.fixture(scope="module")
def whole() -> Table:
    return load_table("digits")


@pytest.fixture
def path(whole: Table, tmp_path: Path) -> Path:
    content = rows_document(whole, table_checksum("digits"), [(SPACE, drawn(20))])
    (tmp_path / ROWS).write_bytes(content)
    return tmp_path / ROWS


def test_rows_say_what_the_table_says(path: Path, whole: Table) -> None:
    rows = load_table(path)
    assert rows.name == whole.name
    assert rows.dataset == whole.dataset
    assert table_checksum(path) == table_checksum("digits")
    assert rows.best(SPACE) == whole.best(SPACE)
    for split in ("valid", "test"):
        assert rows.noise_of(SPACE, split) == pytest.approx(whole.noise_of(SPACE, split))
    for one in drawn(20):
        mine, theirs = rows.row_of(SPACE, one), whole.row_of(SPACE, one)
        assert rows.key(mine) == whole.key(theirs)
        for split in ("valid", "test"):
            assert rows.mean_errors(split, mine) == pytest.approx(whole.mean_errors(split, theirs))
            assert rows.errors(split, mine).tolist() == whole.errors(split, theirs).tolist()
        assert rows.percentile(SPACE, one) == pytest.approx(whole.percentile(SPACE, one))
        assert rows.percent_equal(SPACE, one) == pytest.approx(whole.percent_equal(SPACE, one))
        assert rows.rests_on_imputed(SPACE, mine) == whole.rests_on_imputed(SPACE, theirs)


def test_other_cells_are_missing(path: Path) -> None:
    rows = load_table(path)
    known = {SPACE.text(one) for one in drawn(20)}
    other = next(one for one in drawn(50, seed=1) if SPACE.text(one) not in known)
    with pytest.raises(MissingCell, match="lack"):
        rows.row_of(SPACE, other)
    with pytest.raises(MissingCell, match="needs the whole table"):
        rows.entries(SPACE)
    with pytest.raises(MissingCell, match="have none of"):
        rows.best(get_space(2))


def test_equal_rows_are_equal_bytes(whole: Table, path: Path) -> None:
    again = rows_document(whole, table_checksum("digits"), [(SPACE, reversed(drawn(20)))])
    assert again == path.read_bytes()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.update(format=9), "format 9 is not known"),
        (lambda d: d.pop("rows"), "'rows'"),
        (lambda d: d["rows"][0].update(higher=10**6), "counts more cells|contradict"),
        (lambda d: d["rows"][0].update(equal=0), "counts more cells"),
        (lambda d: d["rows"][0].update(space="x"), "of which nothing is said"),
        (lambda d: d["main"].update(test="none"), "a main metric is missing"),
        (lambda d: d["rows"][0]["values"].update(test_error=[0.0]), "the lowest test error"),
    ],
)
def test_rows_that_cannot_be_are_refused(
    path: Path, change: Callable[[dict], object], message: str
) -> None:
    document = json.loads(path.read_bytes())
    change(document)
    path.write_text(json.dumps(document))
    with pytest.raises(TableError, match=message):
        load_table(path)


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"[" * 10_000, b"\xff", b'{"format": 1}'])
def test_what_is_no_file_of_rows_is_one_line(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(TableError) as caught:
        load_table(path)
    assert "\n" not in str(caught.value)
    assert ROWS in str(caught.value)


@pytest.fixture(scope="module")
def recorded() -> RecordedTable:
    """Random numbers for all of NAS-Bench-201: errors whose test is imputed, scores without one."""
    space, rng = get_space("nasbench201"), np.random.default_rng(0)
    count = space.num_configurations  # type: ignore[attr-defined]
    errors = rng.random((count, 3)).round(2)
    errors[::2, 1] = np.nan
    recording = Recording("made up", space, range(count), of_cells=False)
    recording.add("first", "valid_error", Metric(), errors, 4)
    recording.add("first", "test_error", Metric(), errors[:, 0] / 2, 4, Origin.IMPUTED)
    recording.add("first", "parameters", Metric(kind=COST), np.arange(count))
    recording.add("second", "valid_ssim", Metric("", True, SCORE), errors[:, 0], 7)
    return recording.table({"file": "made.csv"}, [])


@pytest.mark.parametrize("dataset", ["first", "second"])
def test_recorded_tables_have_rows_too(
    recorded: RecordedTable, dataset: str, tmp_path: Path
) -> None:
    space, whole = get_space("nasbench201"), recorded.on(dataset)
    found = [space.sample(np.random.default_rng(seed)) for seed in range(10)]
    (tmp_path / ROWS).write_bytes(rows_document(whole, "0" * 64, [(space, found)]))
    rows = load_table(tmp_path / ROWS)
    assert (rows.dataset, rows.budgets[-1]) == (dataset, whole.budgets[-1])
    assert rows.test_split == whole.test_split
    assert rows.best(space) == whole.best(space)
    assert rows.metrics == whole.metrics
    for one in found:
        mine, theirs = rows.row_of(space, one), whole.row_of(space, one)
        for split in ("valid", "test"):
            np.testing.assert_array_equal(
                rows.errors(split, mine)[: whole.errors(split, theirs).size],
                whole.errors(split, theirs),
            )
            assert rows.mean_errors(split, mine) == pytest.approx(whole.mean_errors(split, theirs))
        assert rows.percentile(space, one) == pytest.approx(whole.percentile(space, one))
        assert rows.percent_equal(space, one) == pytest.approx(whole.percent_equal(space, one))
        assert rows.rests_on_imputed(space, mine) is (dataset == "first")
        assert whole.rests_on_imputed(space, theirs) is (dataset == "first")
