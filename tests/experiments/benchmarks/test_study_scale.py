"""A small study of the kind that the benchmark grows."""

import csv
from pathlib import Path

import pytest

from oneshot_hpo.experiments.benchmarks import study_scale
from oneshot_hpo.experiments.benchmarks.study_scale import grow, replays, specification
from oneshot_hpo.experiments.benchmarks.survival import scale
from oneshot_hpo.hpo import Study, read_study


@pytest.mark.slow
def test_a_study_grows_and_opens_again(tmp_path: Path) -> None:
    spec = specification("halving", 120, 50, [])
    rows = grow(spec, tmp_path, every=40).rows
    assert [int(row["evaluations"]) for row in rows[:3]] == [40, 80, 120]
    assert all(row["own_ms"] > 0 and row["memory_mb"] > 10 for row in rows[:3])
    told = read_study(tmp_path).evaluations
    assert len(told) >= 120
    assert sum(result.crashed for _, result in told) > 0
    with Study.open(tmp_path) as study:
        assert study.finished and study.evaluations == told

    opened = replays(tmp_path, [70])
    assert opened[0]["evaluations"] == 70
    with (tmp_path / "replay.csv").open() as file:
        assert float(next(csv.DictReader(file))["open_s"]) > 0


@pytest.mark.slow
def test_the_row_of_a_small_study() -> None:
    (row,) = scale.run(lambda *counts: None, 60)
    assert row.tried == 60  # whether it was quick enough is this machine's matter
    assert "opened again in" in row.note


@pytest.mark.parametrize("shape", study_scale.SHAPES)
def test_shapes_are_as_large_as_asked(shape: str) -> None:
    settings = specification(shape, 1000, 10, []).optimizer_settings
    planned = study_scale.total_evaluations(settings)
    assert 1000 <= planned < 1250


def test_what_takes_too_long_does_not_survive(monkeypatch: pytest.MonkeyPatch) -> None:
    row = {"own_ms": 1.0, "memory_mb": 500.0, "evaluations": 50}
    opened = {"open_s": 20.0, "memory_mb": 800.0}
    growth = [row, row | {"own_ms": 0.1}]
    monkeypatch.setattr(scale, "measured", lambda *arguments: (growth, [opened]))
    assert scale.run(lambda *counts: None, 50)[0].survived == 50
    row["own_ms"] = 2.1
    assert scale.run(lambda *counts: None, 50)[0].survived == 0
    row["own_ms"], opened["open_s"] = 1.0, 31.0
    assert scale.run(lambda *counts: None, 50)[0].survived == 0
