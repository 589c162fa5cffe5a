"""The measurement of ENAS's controller continues where it stopped."""

import json
from pathlib import Path

import pytest

from oneshot_hpo.experiments.benchmarks.enas_controller import Run, append, main, planned, read
from oneshot_hpo.searchers.registry import settings_class


def test_it_compares_text_and_code_at_the_same_seeds() -> None:
    runs = planned(2, 50)
    assert len(runs) == len(set(runs)) == 16
    assert {run.seed for run in runs[:8]} == {0}
    text, code = (settings_class("enas")(**run.settings) for run in (runs[0], runs[7]))
    default = settings_class("enas")()
    for name in ("entropy_weight", "arch_learning_rate", "controller_beta1", "controller_epsilon"):
        assert getattr(text, name) == getattr(default, name)
    assert (code.entropy_weight, code.arch_learning_rate) == (1e-4, 3.5e-3)
    assert (code.controller_beta1, code.controller_epsilon) == (0.0, 1e-3)


def test_a_line_that_was_cut_short_is_searched_again(tmp_path: Path) -> None:
    path, (one, other) = tmp_path / "runs.jsonl", planned(1, 50)[:2]
    append(path, one, 0.01, 2.0)
    append(path, other, 0.02, 2.0)
    path.write_text(path.read_text()[:-9])
    assert read(path) == {one: 0.01}
    append(path, other, 0.03, 2.0)
    assert read(path) == {one: 0.01, other: 0.03}


def test_what_is_in_the_file_is_not_searched_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "runs.jsonl"
    for run in planned(3, 50):
        append(path, run, 0.02 if run.adam == "code" else 0.01 * (1 + run.seed), 2.0)
    before = path.read_text()
    main([str(path), "--seeds", "3"])
    assert path.read_text() == before
    rows = [line.split() for line in capsys.readouterr().out.splitlines() if "0.1" in line]
    assert len(rows) == 4
    assert json.loads(before.splitlines()[0])["run"] == Run(0.1, 3.5e-4, "torch", 0, 50)._asdict()
