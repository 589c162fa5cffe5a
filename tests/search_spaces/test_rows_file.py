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
from oneshot_hpo.search_spaces.rows_file import ROWS, rows_document
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
