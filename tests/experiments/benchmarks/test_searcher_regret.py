"""The table of every searcher is made by one command that can be stopped."""

from pathlib import Path

import pytest

from oneshot_hpo.experiments.benchmarks.searcher_regret import (
    Found,
    RandomTrainings,
    Run,
    append,
    main,
    read,
    searched,
)
from oneshot_hpo.searchers.registry import SEARCHERS


def test_a_regret_is_worth_the_trainings_that_reach_it() -> None:
    random = RandomTrainings("digits", "1")
    assert 0 < random.mean_regret(50) < random.mean_regret(5) < random.mean_regret(1)
    assert random.worth(random.regret(7)) == "7" and random.worth(random.regret(1)) == "1"
    assert random.worth(-0.1).startswith("> ")
    assert random.regret(50) < random.regret(5) < random.regret(1)


@pytest.mark.slow
def test_a_search_is_recorded_and_what_is_recorded_is_not_searched_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "runs.jsonl"
    run, found = searched(Run("1", "darts", 1, 0))
    regret = RandomTrainings("digits", "1").regret_of(found)
    assert 0 <= regret < 1
    append(path, run, found)
    for name in SEARCHERS[1:]:
        append(path, run._replace(searcher=name), Found(found.cell, 3.0))
    kept = read(path)
    assert len(kept) == len(SEARCHERS)

    main(["--spaces", "1", "--seeds", "1", "--epochs", "1", "--results", str(path)])
    assert read(path) == kept
    shown = capsys.readouterr().out
    assert [name for name in SEARCHERS if name not in shown] == []
    points = f"{100 * regret:.1f}"
    assert shown.count(f"{points} ({points} to {points})") == 2 * len(SEARCHERS)

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
