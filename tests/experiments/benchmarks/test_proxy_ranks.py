"""Ranks of configurations at two sizes: the numbers, and one small run that is continued."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from oneshot_hpo.experiments.benchmarks import proxy_ranks
from oneshot_hpo.experiments.benchmarks.proxy_ranks import drawn, finished, rank_correlation
from oneshot_hpo.experiments.study.completion import complete
from oneshot_hpo.experiments.study.validation import load_study


@pytest.mark.slow
def test_equal_ranks_correlate_and_reversed_ones_do_the_opposite() -> None:
    small = np.array([[0.1, 0.2], [0.5, 0.6], [0.9, 0.8]])
    assert rank_correlation(small, small + 1) == pytest.approx((1, 1, 1))
    assert rank_correlation(small, -small) == pytest.approx((-1, -1, -1))
    equal = np.full((3, 2), 0.9)
    assert np.isnan(rank_correlation(small, equal)[0])


@pytest.mark.slow
def test_the_interval_is_over_seeds() -> None:
    """One seed agrees and one disagrees: either can be drawn twice."""
    small = np.array([[1.0, 1.0], [2.0, 2.0], [3.0, 3.0]])
    large = np.array([[1.0, 6.0], [2.0, 4.0], [3.0, 2.0]])
    value, low, high = rank_correlation(small, large)
    assert (value, low, high) == pytest.approx((-1, -1, 1))


def test_configurations_are_the_default_and_draws_of_the_study() -> None:
    spec = complete(load_study("quickstart"), "quickstart")
    first = drawn(spec, 4)
    assert first == drawn(spec, 4)
    assert first[0] == dict(spec.configuration_space().get_default_configuration())
    assert len({str(config) for config in first}) == 4
    other = complete(load_study("quickstart", ["seed=5"]), "quickstart")
    assert drawn(other, 4)[1:] != first[1:]


@pytest.mark.slow
def test_a_run_prints_ranks_and_continues(
    tiny_study: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    results = tmp_path / "ranks.jsonl"
    words = ["--study", tiny_study, "--configurations", 2, "--seeds", 2, "--results", results]
    monkeypatch.setattr(sys, "argv", ["proxy_ranks", *map(str, words)])
    proxy_ranks.main()
    printed = capsys.readouterr().out
    assert "2 seeds: test regret in points" in printed
    assert "rank correlation" in printed

    lines = results.read_text().splitlines()
    assert len({tuple(json.loads(line)["run"]) for line in lines}) == 8
    results.write_text("\n".join(lines[:5]) + "\n" + lines[5][:10])
    assert len(finished(results)) == 5
    before = finished(results)
    proxy_ranks.main()
    assert len(finished(results)) == 8
    assert before.items() <= finished(results).items()
    assert capsys.readouterr().out == printed
