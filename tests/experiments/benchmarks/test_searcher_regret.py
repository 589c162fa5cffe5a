"""The table of every searcher is made by one command that can be stopped."""

from pathlib import Path

import numpy as np
import pytest

from oneshot_hpo.experiments.benchmarks.searcher_regret import (
    Found,
    Run,
    append,
    best_of_random,
    main,
    read,
    searched,
    worth,
)
from oneshot_hpo.search_spaces import get_space, load_table
from oneshot_hpo.searchers.registry import SEARCHERS


def test_the_best_of_random_cells_is_what_drawing_them_gives() -> None:
    table, space = load_table("digits"), get_space(1)
    rng = np.random.default_rng(0)
    rows = table.entries(space)[table.entry_of(space)]
    valid, test = (table.mean_errors(split, rows) for split in ("valid", "test"))
    expected = best_of_random("digits", "1")
    for count in (1, 5, 20):
        drawn = rng.integers(len(rows), size=(4000, count))
        best = drawn[np.arange(4000), valid[drawn].argmin(1)]
        regrets = test[best] - table.best(space).test_error
        assert regrets.mean() == pytest.approx(
            expected[count - 1], abs=4 * regrets.std() / 4000**0.5
        )
    assert (np.diff(expected[:100]) < 0).all()


def test_a_regret_is_worth_the_trainings_that_reach_it() -> None:
    random = np.array([0.3, 0.2, 0.1, 0.05])
    assert [worth(regret, random) for regret in (0.5, 0.2, 0.15, 0.01)] == ["1", "2", "3", "> 4"]


def test_a_search_is_recorded_and_what_is_recorded_is_not_searched_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "runs.jsonl"
    run, found = searched(Run("1", "digits", "darts", 1, 0))
    assert 0 <= found.regret < 1
    append(path, run, found)
    for name in SEARCHERS[1:]:
        append(path, run._replace(searcher=name), Found(0.02, 3.0))
    kept = read(path)
    assert len(kept) == len(SEARCHERS)

    main(["--spaces", "1", "--seeds", "1", "--epochs", "1", "--results", str(path)])
    assert read(path) == kept
    shown = capsys.readouterr().out
    assert all(name in shown for name in SEARCHERS)
    assert "2.0 (2.0 to 2.0)" in shown

    path.write_text(path.read_text()[:-9])  # cut short by a kill
    assert len(read(path)) == len(SEARCHERS) - 1


def test_a_table_that_is_not_there_is_refused_on_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["--table", f"1={tmp_path / 'none.npz'}", "--results", str(tmp_path / "runs.jsonl")]
    with pytest.raises(SystemExit, match="2"):
        main(["--spaces", "1", *given])
    assert "none.npz" in capsys.readouterr().err.splitlines()[-1]
    assert not (tmp_path / "runs.jsonl").exists()
