"""A simulation against the real master, and against times that are known."""

import dataclasses
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from oneshot_hpo.cluster.simulated import SimulatedPool
from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.experiments.forecast.conditions import Conditions, Pace
from oneshot_hpo.experiments.forecast.course import Course
from oneshot_hpo.experiments.forecast.runs import Brackets, Reruns
from oneshot_hpo.experiments.forecast.simulation import Simulation
from oneshot_hpo.experiments.forecast.stopping import Stopping
from oneshot_hpo.experiments.grids.grid import load_grid
from oneshot_hpo.experiments.study.completion import complete, freeze
from oneshot_hpo.experiments.study.folder import create_study
from oneshot_hpo.experiments.study.loop import StudyRun
from oneshot_hpo.experiments.study.sources import Beginning
from oneshot_hpo.experiments.study.specification import StudySpec
from oneshot_hpo.experiments.study.stop_rules import StopRules
from oneshot_hpo.experiments.study.trial import TrialTask
from oneshot_hpo.experiments.study.validation import load_study
from oneshot_hpo.hpo import Observation, Study
from oneshot_hpo.hpo.bohb.rehearsal import RehearsedMaster
from oneshot_hpo.hpo.plain import plain

EPOCH = 2.0
SIGMA = 0.3
"""That of the simulated pool."""


class Silent:
    """A display that shows nothing."""

    def update(self, study: object, running: int, workers: str) -> None:
        """Nothing."""

    def say(self, line: str) -> None:
        """Nothing."""


def simulated(
    spec: StudySpec, seed: int, pace: Pace, workers: int, prior: Sequence[Observation] = ()
) -> Course:
    source = Brackets(RehearsedMaster(spec.configuration_space(), spec.optimizer_settings, prior))
    random = np.random.default_rng(seed)
    conditions = Conditions(pace=pace, workers=workers)
    stopping = Stopping(spec.stop.rules, source.total)
    return Simulation(source, conditions, random, pace.epoch_seconds, stopping).run()


def result(task: TrialTask) -> dict[str, Any]:
    loss = float(np.random.default_rng([task.seed, round(task.budget)]).random())
    times = {"started": 0.0, "finished": 1.0}
    return {"loss": loss, "info": {}, "exception": None, "timestamps": times}


def own_epochs(task: TrialTask) -> float:
    """The epochs that a trial runs itself: where it goes on, those above the trial below."""
    return task.budget - (0 if task.start is None else float(task.start.name))


def first_model_pick(study: Study) -> int | None:
    """Place in the order of start, from 1."""
    trials = sorted((trial for trial, _ in study.evaluations), key=lambda trial: trial.seq)
    picks = [study.record(trial).info["model_based_pick"] for trial in trials]
    return picks.index(True) + 1 if True in picks else None


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 5])
@pytest.mark.parametrize(
    "settings",
    [
        ("iterations=9", "seed=3"),
        ("iterations=9", "seed=1", "default_budget=min", "bohb.generator=hpbandster"),
        ("iterations=5", "eta=3", "min_budget=1", "bohb.random_fraction=0.9"),
        ("iterations=1",),
        ("iterations=7", "promotion=continue"),
    ],
)
def test_a_simulation_equals_the_real_master_on_a_simulated_pool(
    tmp_path: Path, workers: int, settings: tuple[str, ...]
) -> None:
    check_equal(tmp_path, workers, settings)


PAPER = (
    *("config_space=cs3-paper", "seed=1", "min_budget=25", "max_budget=100", "iterations=64"),
    *("bohb.bracket_sizes=hpbandster", "bohb.generator=hpbandster", "default_budget=min"),
    "trial_seed=study",
)
"""What decides on the runs of the paper's studies; digits take the place of CIFAR-10."""


@pytest.mark.slow
def test_the_papers_study_is_forecast_as_the_real_master_runs_it(tmp_path: Path) -> None:
    study = check_equal(tmp_path, 16, PAPER)
    assert len(study.evaluations) == 280
    grid = load_grid("paper")
    assert grid is not None
    [member] = [one for one in grid.members if one.name == "seed-1_cs3-paper_darts_space-1"]
    assert member.spec.optimizer_settings == study.settings


def check_equal(tmp_path: Path, workers: int, settings: tuple[str, ...]) -> Study:
    """Run a study on a simulated pool, and compare its forecast; returns the study."""
    spec = freeze(complete(load_study("quickstart", settings), "quickstart"))
    mean = math.exp(SIGMA**2 / 2)  # of the pool's factor, which has a median of 1
    pool = SimulatedPool(workers, 7, result, lambda task: EPOCH / mean * own_epochs(task))
    with create_study(tmp_path / "study", spec) as study:
        StudyRun(study, spec, tmp_path / "study", Silent()).run(lambda: pool, workers)  # type: ignore
        assert study.finished

    course = simulated(spec, 7, Pace(epoch_seconds=EPOCH, trial_spread=SIGMA), workers)
    assert course.wall == pytest.approx(pool.now)
    assert course.busy == pytest.approx(pool.busy)
    idle = 1 - pool.busy / (workers * pool.now)
    assert 1 - course.busy / (workers * course.wall) == pytest.approx(idle, abs=1e-12)
    assert len(course.ends) == len(study.evaluations)
    assert len(course.bracket_ends) == spec.iterations
    picked = course.first_model_pick
    assert (picked and picked[0]) == first_model_pick(study)
    return study


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 5])
@pytest.mark.parametrize("rule", ["evaluations=17", "gpu_hours=0.11", "wall_hours=0.015"])
def test_a_rule_ends_a_simulation_where_it_ends_the_study(
    tmp_path: Path, workers: int, rule: str
) -> None:
    settings = ("iterations=9", "seed=3", f"stop.{rule}", "stop.target_error=0.0")
    spec = freeze(complete(load_study("quickstart", settings), "quickstart"))
    mean = math.exp(SIGMA**2 / 2)

    def timed(task: TrialTask) -> dict[str, Any]:
        assert task.folder is not None
        seconds = pool.worked["/".join(task.folder.parts[-2:])]
        return {**result(task), "timestamps": {"started": 0.0, "finished": seconds}}

    pool = SimulatedPool(workers, 7, timed, lambda task: EPOCH / mean * own_epochs(task))
    with create_study(tmp_path / "study", spec) as study:
        rules = StopRules(study, spec, clock=lambda: study.times.created + pool.now)
        run = StudyRun(study, spec, tmp_path / "study", Silent(), rules)  # type: ignore
        run.run(lambda: pool, workers)  # type: ignore
        assert study.stop_reached is not None

    course = simulated(spec, 7, Pace(epoch_seconds=EPOCH, trial_spread=SIGMA), workers)
    assert course.stopped_by == study.stop_reached.rule == rule.split("=")[0]
    assert len(course.ends) == len(study.evaluations) < study.total_evaluations
    assert course.wall == pytest.approx(pool.now)
    assert course.busy == pytest.approx(pool.busy)


def observations(spec: StudySpec, count: int, budget: int) -> list[Observation]:
    space = spec.configuration_space()
    space.seed(0)
    losses = np.random.default_rng(1).random(count)
    configs = [plain(dict(space.sample_configuration())) for _ in range(count)]
    return [
        Observation(config, budget, float(loss))
        for config, loss in zip(configs, losses, strict=True)
    ]


@pytest.mark.slow
@pytest.mark.parametrize("generator", ["vectorised", "hpbandster"])
@pytest.mark.parametrize(("count", "budget"), [(6, 3), (7, 12), (40, 1)])
def test_a_model_that_begins_with_results_picks_when_the_real_one_does(
    tmp_path: Path, count: int, budget: int, generator: str
) -> None:
    settings = ("iterations=3", "seed=2", f"bohb.generator={generator}")
    spec = freeze(complete(load_study("quickstart", settings), "quickstart"))
    prior = observations(spec, count, budget)
    pool = SimulatedPool(2, 7, result, lambda task: EPOCH / math.exp(SIGMA**2 / 2) * task.budget)
    with create_study(tmp_path / "study", spec, Beginning(prior)) as study:
        StudyRun(study, spec, tmp_path / "study", Silent()).run(lambda: pool, 2)  # type: ignore

    pace = Pace(epoch_seconds=EPOCH, trial_spread=SIGMA)
    picked = simulated(spec, 7, pace, 2, prior).first_model_pick
    without = simulated(spec, 7, pace, 2).first_model_pick
    assert picked is not None
    assert picked[0] == first_model_pick(study)
    assert without is None or picked[0] < without[0]


def rerun(conditions: Conditions, runs: int = 1, budget: int = 10) -> Course:
    random = np.random.default_rng(0)
    source = Reruns(runs, budget)
    return Simulation(source, conditions, random, conditions.pace.epoch_seconds).run()


EVEN = Pace(epoch_seconds=1.0, trial_spread=0.0)


def test_workers_start_wait_and_load() -> None:
    pace = dataclasses.replace(EVEN, start_seconds=5.0, trial_seconds=2.0)
    course = rerun(Conditions(pace=pace, workers=2, queue_waits=(100.0,)), runs=3)
    assert course.ends == [117.0, 117.0, 129.0]
    assert (course.busy, course.held) == (36.0, 58.0)
    loading = dataclasses.replace(pace, load_seconds=4.0)  # in the first trial of each
    course = rerun(Conditions(pace=loading, workers=2, queue_waits=(100.0,)), runs=3)
    assert course.ends == [121.0, 121.0, 133.0]
    assert (course.busy, course.held) == (44.0, 66.0)


def test_a_time_limit_costs_a_start_and_no_epoch() -> None:
    pace = dataclasses.replace(EVEN, start_seconds=1.0, trial_seconds=0.5)
    given = Conditions(pace=pace, workers=1, queue_waits=(3.0,), time_limit=7.0, notice=1.0)
    course = rerun(given)
    # Each job has 6 s: 1 s to start, 0.5 s to begin the trial, then 4.5 epochs.
    assert course.wall == pytest.approx(9 + 9 + 4.5 + 1.0)
    assert course.interruptions == 2
    assert course.repeated == pytest.approx(1.0)
    slower = dataclasses.replace(given, pace=dataclasses.replace(pace, load_seconds=0.5))
    assert rerun(slower).wall == pytest.approx(9 + 9 + 5.0 + 2.0)
    assert rerun(slower).repeated == pytest.approx(2.0)


def test_a_lost_worker_costs_the_epoch_and_in_the_end_the_trial() -> None:
    often = Conditions(pace=EVEN, workers=1, losses=3600 / 5.0, max_attempts=3)
    course = rerun(often, runs=40, budget=20)
    assert len(course.ends) == 40
    assert 0 < course.repeated < course.busy
    assert course.interruptions <= 3 * 40
    lasting = dataclasses.replace(often, max_attempts=1000)
    assert rerun(lasting, runs=40, budget=20).wall > course.wall


def test_preempted_trials_lose_nothing_but_the_start() -> None:
    given = Conditions(pace=EVEN, workers=2, preemptions=3600 / 20.0)
    course = rerun(given, runs=30)
    assert course.interruptions > 0
    assert course.repeated == pytest.approx(0.0)
    assert course.busy == pytest.approx(300.0)


def test_no_progress_ends_with_a_word() -> None:
    pace = Pace(epoch_seconds=100.0, trial_seconds=3.0)
    with pytest.raises(UserError, match="leaves nothing for trials"):
        rerun(Conditions(pace=pace, workers=1, time_limit=10.0, notice=8.0))
    with pytest.raises(UserError, match="no progress"):
        rerun(Conditions(pace=pace, workers=1, losses=3600.0, max_attempts=1000))


def test_crashes_take_a_part_of_their_time_and_brackets_still_finish() -> None:
    spec = load_study("quickstart", ["iterations=4"])
    spec = complete(spec, "quickstart")
    crashing = dataclasses.replace(EVEN, crash_share=0.5)
    course = simulated(spec, 0, crashing, 3)
    assert len(course.bracket_ends) == 4
    assert course.busy < simulated(spec, 0, EVEN, 3).busy
