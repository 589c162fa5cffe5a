"""Files of finished runs, and what a kill leaves of them."""

from pathlib import Path
from typing import Any

from oneshot_hpo.experiments.benchmarks.finished_rows import append_row, read_rows


def numbered(row: Any) -> tuple[int, str]:
    return row["number"], row["word"]


def test_a_row_after_one_that_was_cut_short_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    assert read_rows(path, numbered) == {}
    append_row(path, {"number": 1, "word": "one"})
    append_row(path, {"number": 2, "word": "two"})
    whole = path.read_text()
    for end in range(1, len(whole)):
        path.write_text(whole[:end])
        before = read_rows(path, numbered)
        append_row(path, {"number": 3, "word": "three"})
        assert read_rows(path, numbered) == before | {3: "three"}


def test_rows_of_another_version_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    for row in ({"number": 1}, [1], 5, {"number": 2, "word": "two", "more": 0}):
        append_row(path, row)
    assert read_rows(path, numbered) == {2: "two"}
