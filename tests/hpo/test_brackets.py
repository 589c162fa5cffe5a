import math
from collections import Counter
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hpbandster.optimizers.bohb import BOHB

from oneshot_hpo.hpo import OptimizerSettings
from oneshot_hpo.hpo.brackets import bracket, planned_evaluations, rung_budgets


def settings(low: float, high: float, eta: float, **changes: Any) -> OptimizerSettings:
    values = {"min_budget": low, "max_budget": high, "eta": eta, "iterations": 12, **changes}
    return OptimizerSettings(**values)


@pytest.mark.parametrize(
    ("low", "high", "eta", "expected"),
    [
        (25, 100, 2, (25, 50, 100)),
        (4, 108, 3, (4, 12, 36, 108)),
        (1, 243, 3, (1, 3, 9, 27, 81, 243)),  # log(243) / log(3) = 4.999…
        (1, 1000, 10, (1, 10, 100, 1000)),  # log(1000) / log(10) = 2.999…
        (3, 10, 2, (5, 10)),
        (7, 7, 3, (7,)),
        (0.1, 0.9, 3, (0.1, 0.3, 0.9)),
    ],
)
def test_budgets(low: float, high: float, eta: float, expected: tuple[float, ...]) -> None:
    budgets = rung_budgets(settings(low, high, eta))
    assert budgets == pytest.approx(expected, rel=1e-12)
    assert [type(b) for b in budgets] == [type(e) for e in expected]


def test_paper_sizes_are_those_of_li_et_al_table_1() -> None:
    # Li et al. 2018, Table 1: R = 81, eta = 3.
    table = [
        [(81, 1), (27, 3), (9, 9), (3, 27), (1, 81)],
        [(34, 3), (11, 9), (3, 27), (1, 81)],
        [(15, 9), (5, 27), (1, 81)],
        [(8, 27), (2, 81)],
        [(5, 81)],
    ]
    ours = [[(rung.size, rung.budget) for rung in bracket(settings(1, 81, 3), i)] for i in range(5)]
    assert ours == table
    assert bracket(settings(1, 81, 3), 5) == bracket(settings(1, 81, 3), 0)


@pytest.mark.parametrize("eta", [2, 3, 4, 2.5])
@pytest.mark.parametrize("s_max", range(6))
def test_paper_sizes_follow_algorithm_1(eta: float, s_max: int) -> None:
    chosen = settings(1, eta**s_max, eta)
    for s in range(s_max + 1):
        n = math.ceil(round((s_max + 1) / (s + 1) * eta**s, 9))
        expected = [math.floor(round(n * eta**-i, 9)) for i in range(s + 1)]
        assert [rung.size for rung in bracket(chosen, s_max - s)] == expected


@pytest.mark.parametrize(("low", "high", "eta"), [(25, 100, 2), (4, 108, 3), (1, 64, 4), (1, 8, 2)])
def test_hpbandster_sizes_are_those_of_its_code(low: float, high: float, eta: float) -> None:
    # The stock method needs these attributes only; its constructor would start a server.
    rungs = -int(np.log(low / high) / np.log(eta)) + 1
    stock = SimpleNamespace(
        max_SH_iter=rungs,
        eta=eta,
        budgets=high * np.power(eta, -np.linspace(rungs - 1, 0, rungs)),
        config_generator=SimpleNamespace(get_config=None),
    )
    ours = settings(low, high, eta, bracket_sizes="hpbandster")
    for i in range(2 * rungs):
        expected = BOHB.get_next_iteration(stock, i, {})
        assert [rung.size for rung in bracket(ours, i)] == expected.num_configs
        assert [rung.budget for rung in bracket(ours, i)] == expected.budgets.tolist()


def test_the_papers_study_has_280_evaluations() -> None:
    study = settings(25, 100, 2, iterations=64, bracket_sizes="hpbandster")
    runs: Counter[float] = Counter()
    for i in range(64):
        for rung in bracket(study, i):
            runs[rung.budget] += rung.size
    assert runs == {25: 88, 50: 86, 100: 106}
    assert planned_evaluations(study) == 280


@pytest.mark.parametrize("iterations", [1, 2, 3, 4, 11])
def test_planned_evaluations_are_the_sum_of_the_brackets(iterations: int) -> None:
    chosen = settings(1, 9, 3, iterations=iterations)
    runs = sum(rung.size for i in range(iterations) for rung in bracket(chosen, i))
    assert planned_evaluations(chosen) == runs
