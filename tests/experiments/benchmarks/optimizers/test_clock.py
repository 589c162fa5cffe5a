"""Optimizers on the simulated clock: costs, the default, replicates, incumbents."""

import itertools
from pathlib import Path

import numpy as np
import pytest
from support.taskset_writer import write_task

from oneshot_hpo.experiments.benchmarks.optimizers.clock import (
    PlainOptimizer,
    Proposal,
    Trace,
    simulate,
)
from oneshot_hpo.experiments.benchmarks.optimizers.own import (
    VARIANTS,
    OwnBOHB,
    brackets_within,
    needs_known_default,
)
from oneshot_hpo.experiments.benchmarks.optimizers.problem import Problem
from oneshot_hpo.experiments.benchmarks.optimizers.problems import load_problem
from oneshot_hpo.experiments.benchmarks.optimizers.simple import SIMPLE


@pytest.fixture
def problem(tmp_path: Path) -> Problem:
    write_task(tmp_path, "made", np.geomspace(2e-8, 9, 60).tolist())
    return load_problem("taskset:made", tmp_path)


class Scripted(PlainOptimizer):
    """Asks for given runs, and keeps what it is told."""

    def __init__(self, proposals: list[Proposal]) -> None:
        self.left = list(proposals)
        self.told: list[tuple[str, float, float | None]] = []

    def ask(self) -> Proposal | None:
        return self.left.pop(0) if self.left else None

    def tell(self, proposal: Proposal, loss: float | None) -> None:
        self.told.append((proposal.key, proposal.budget, loss))


def at(problem: Problem, key: str, rate: float, budget: float) -> Proposal:
    return Proposal(key, problem.default | {"learning_rate": rate}, budget)


def test_one_training_is_paid_once(problem: Problem) -> None:
    runs = [at(problem, "x", 1e-4, 6), at(problem, "x", 1e-4, 17), at(problem, "y", 1e-4, 17)]
    trace = simulate(problem, Scripted(runs), workers=1, cost=100, seed=0)
    # the default in full, then 6/50, 11/50 and 17/50
    assert trace.cost == pytest.approx(1 + 0.12 + 0.22 + 0.34)
    assert (trace.evaluations, trace.full_evaluations, trace.idle) == (4, 1, pytest.approx(0))


def test_trainings_of_their_own_are_paid_each(tmp_path: Path) -> None:
    problem = load_problem("digits", None)
    runs = [Proposal("x", problem.default, budget) for budget in problem.budgets]
    trace = simulate(problem, Scripted(runs), workers=1, cost=100, seed=0)
    row = problem.find_row(problem.default)
    paid = problem.costs[row].sum() + problem.costs[row, -1]
    assert trace.cost == pytest.approx(paid / problem.full_cost)


def test_a_crash_is_told_and_is_no_incumbent(problem: Problem) -> None:
    optimizer = Scripted([at(problem, "x", 9.0, 50), at(problem, "y", 1e-2, 6)])
    trace = simulate(problem, optimizer, workers=1, cost=100, seed=0)
    assert optimizer.told[0] == ("x", 50, None) and optimizer.told[1][2] is not None
    assert trace.crashes == 1
    assert trace.curve == [(pytest.approx(1), problem.regret(problem.find_row(problem.default)))]


def test_nothing_counts_beyond_the_limit(problem: Problem) -> None:
    optimizer = Scripted([at(problem, str(n), 1e-3, 50) for n in range(12)])
    trace = simulate(problem, optimizer, workers=4, cost=9, seed=0)
    assert trace.evaluations == 8 and trace.cost == pytest.approx(8)
    assert trace.idle == pytest.approx(0) and len(optimizer.left) == 1


def test_workers_without_a_run_are_idle(problem: Problem) -> None:
    trace = simulate(problem, Scripted([]), workers=4, cost=9, seed=0)
    assert trace.idle == pytest.approx(0.75)


@pytest.mark.parametrize("name", SIMPLE)
@pytest.mark.parametrize("workers", [1, 16])
def test_simple_optimizers_find_what_is_good(problem: Problem, name: str, workers: int) -> None:
    traces = [simulate(problem, SIMPLE[name](problem, 0, 20.0), workers, 20, 0) for _ in range(2)]
    assert traces[0] == traces[1]
    zero, one = (SIMPLE[name](problem, seed, 20.0).ask() for seed in (0, 1))
    assert zero is not None and one is not None and zero.config != one.config
    assert traces[0].cost <= 20 and traces[0].evaluations >= 16
    costs = [cost for cost, _ in traces[0].curve]
    assert costs == sorted(costs)


def test_one_rung_for_all_spends_half_on_each_step(problem: Problem) -> None:
    optimizer = SIMPLE["one-rung-for-all"](problem, 0, 20.0)
    trace = simulate(problem, optimizer, 1, 22, 0)
    assert trace.full_evaluations == 10 + 1 and trace.evaluations == 250 + 10 + 1
    assert optimizer.ask() is None


def test_asha_promotes_about_a_third_of_each_rung(problem: Problem) -> None:
    optimizer = SIMPLE["asha"](problem, 0, 20.0)
    started: dict[float, int] = {}
    for _ in range(300):
        proposal = optimizer.ask()
        assert proposal is not None
        started[proposal.budget] = started.get(proposal.budget, 0) + 1
        optimizer.tell(proposal, problem.loss(problem.find_row(proposal.config), 0, (0,)))
    counts = [started[budget] for budget in problem.budgets]
    assert sum(counts) == 300
    # one that was promoted may be overtaken by better ones, which are promoted, too
    for lower, higher in itertools.pairwise(counts):
        assert lower // 3 <= higher + 2 and higher <= lower // 2


_STOCK = "bohb-hpbandster-generator"  # of which a proposal takes 40 ms


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.slow if name == _STOCK else ()) for name in VARIANTS],
)
def test_every_variant_runs_and_repeats_itself(problem: Problem, name: str) -> None:
    def run(seed: int) -> Trace:
        return simulate(problem, OwnBOHB(problem, seed, 8, VARIANTS[name]), 4, 8, seed)

    trace = run(0)
    assert trace == run(0)
    assert trace.evaluations > 16 and trace.full_evaluations >= 1 and trace.cost <= 8
    assert trace.replicates == 0 or "replicates" in name
    assert needs_known_default(name) == ("prior" in name)


def test_the_default_of_a_study_is_its_first_run(problem: Problem) -> None:
    first = OwnBOHB(problem, 0, 12, VARIANTS["bohb"]).ask()
    assert first is not None
    assert (first.config, first.budget) == (problem.default, 50)


def test_a_planned_study_has_the_brackets_that_its_cost_pays_for(problem: Problem) -> None:
    settings = OwnBOHB(problem, 0, 8, VARIANTS["bohb"])._settings
    cheap, dear = (brackets_within(problem, settings, cost) for cost in (8, 80))
    assert 1 <= cheap < dear
    trace = simulate(problem, OwnBOHB(problem, 0, 80, VARIANTS["bohb-planned"]), 1, 200, 0)
    assert 70 < trace.cost <= 80
    assert brackets_within(problem, settings, 0.1) == 1


def test_replicates_fill_idle_workers_and_change_no_decision() -> None:
    problem = load_problem("digits", None)
    plain, filled = (
        simulate(problem, OwnBOHB(problem, 3, 60, VARIANTS[name]), 16, 120, 3)
        for name in ("bohb-planned", "bohb-replicates")
    )
    assert filled.curve == plain.curve and filled.evaluations == plain.evaluations
    assert filled.replicates > 0 == plain.replicates
    assert filled.idle < 0.01 < 0.1 < plain.idle


def test_a_model_learns_the_mean_of_a_run_and_its_replicates(
    problem: Problem, monkeypatch: pytest.MonkeyPatch
) -> None:
    optimizer = OwnBOHB(problem, 0, 12, VARIANTS["bohb-replicates-in-model"])
    replaced: list[list[float]] = []

    def record(seq: int, config: dict, budget: float, losses: list[float]) -> None:
        replaced.append(list(losses))

    monkeypatch.setattr(optimizer._master, "replace_loss", record)
    run = optimizer.ask()
    assert run is not None and optimizer.replicate() is None
    optimizer.tell(run, 0.5)
    for loss in (0.3, 0.1):
        replicate = optimizer.replicate()
        assert replicate is not None and replicate.config == problem.default
        optimizer.tell(replicate, loss)
    assert replaced == [[0.5, 0.3], [0.5, 0.3, 0.1]]
