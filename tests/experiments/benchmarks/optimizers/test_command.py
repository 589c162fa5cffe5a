"""The command: rows that are not made twice, tables, the figure; the table of searches."""

import json
from pathlib import Path

import numpy as np
import pytest
from support.taskset_writer import write_task

from oneshot_hpo.experiments.benchmarks.optimizers.__main__ import main
from oneshot_hpo.experiments.benchmarks.optimizers.clock import Trace
from oneshot_hpo.experiments.benchmarks.optimizers.make_searches import configurations, searched
from oneshot_hpo.experiments.benchmarks.optimizers.runs import Found, Run, append, read
from oneshot_hpo.experiments.benchmarks.optimizers.searches import Search
from oneshot_hpo.experiments.benchmarks.optimizers.summary import courses, ranks, regret_at


@pytest.mark.slow
def test_runs_are_resumed_and_summed_up(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for task in ("one", "two"):
        write_task(tmp_path, task, np.geomspace(2e-8, 9, 40).tolist())
    results, figure = tmp_path / "rows.jsonl", tmp_path / "regret.png"
    given = ["--data", str(tmp_path), "--problems", "taskset:one", "taskset:two", "--cost", "4"]
    given += ["--optimizers", "bohb", "simple", "--seeds", "1", "--workers", "1", "4"]
    main([*given, "--results", str(results), "--figure", str(figure)])
    kept = read(results)
    assert len(kept) == 2 * 4 * 2
    shown = capsys.readouterr().out
    assert "taskset:two" in shown and "one-rung-for-all" in shown and "critical difference" in shown
    assert figure.read_bytes().startswith(b"\x89PNG")

    results.write_text(results.read_text()[:-20])  # cut short by a kill
    main([*given, "--results", str(results)])
    again = read(results)
    assert {run: found.trace for run, found in again.items()} == {
        run: found.trace for run, found in kept.items()
    }
    lines = [line for line in results.read_text().splitlines() if line]
    assert len(lines) == len(kept) + 1


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["--optimizers", "bob"], "no optimizer 'bob': there are bohb, "),
        (["--problems", "taskset:none"], "no problem 'taskset:none': there are "),
    ],
)
def test_unknown_names_are_refused_on_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], given: list[str], words: str
) -> None:
    results = tmp_path / "rows.jsonl"
    with pytest.raises(SystemExit, match="2"):
        main([*given, "--data", str(tmp_path), "--results", str(results)])
    assert words in capsys.readouterr().err.splitlines()[-1]
    assert not results.exists()


def test_a_list_has_every_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["--list", "--data", str(tmp_path)])
    shown = capsys.readouterr().out
    assert "digits" in shown and "neps" in shown and "bohb-prior-weak" in shown


def test_a_row_survives_the_file(tmp_path: Path) -> None:
    run = Run("digits", "random", 4, 10.0, 3)
    found = Found(Trace([(1.0, 0.5)], 10, 9, 1, 0, 9.5, 0.1), 0.25, {"optuna": "5"})
    append(tmp_path / "rows.jsonl", run, found)
    assert read(tmp_path / "rows.jsonl") == {run: found}
    json.loads((tmp_path / "rows.jsonl").read_text())


def test_regrets_follow_the_incumbent() -> None:
    costs = np.array([0.5, 1.0, 2.0, 9.0])
    assert regret_at([(1.0, 0.8), (2.0, 0.1)], costs).tolist() == [1.0, 0.8, 0.1, 0.1]


def test_ranks_are_over_problems_that_all_have() -> None:
    found = {}
    for number, problem in enumerate("abc"):
        for name, regret in (("good", 0.1), ("bad", 0.9), ("late", 0.5)):
            if (problem, name) == ("c", "late"):
                continue
            trace = Trace([(1.0 + number, regret)], 1, 1, 0, 0, 10.0, 0.0)
            found[Run(problem, name, 1, 10.0, 0)] = Found(trace, 0.0, {})
    known = courses(found, 1, 10.0)
    ranked = ranks(known)
    assert ranked is not None and ranked.conditions == 2
    assert ranked.methods == ["good", "late", "bad"] and ranked.ranks.tolist() == [1, 2, 3]
    assert 1 <= known["a", "good"].cost_of(0.3) <= 1.1
    assert known["a", "bad"].cost_of(0.3) == float("inf")
    assert ranks({}) is None


def test_configurations_of_the_searches_are_the_same_in_every_call() -> None:
    first = configurations("cs3", 4)
    assert first == configurations("cs3", 6)[:4] and len(first[0]) == 9
    assert first[0]["arch_learning_rate"] == 0.003


@pytest.mark.slow
def test_a_search_of_the_table() -> None:
    found = searched(Search("cs2", 0, 2, 0))
    assert found.config == configurations("cs2", 1)[0]
    assert found.valid_error is not None and 0 < found.valid_error < 1 and found.seconds > 0
    assert found == searched(Search("cs2", 0, 2, 0))._replace(seconds=found.seconds)
