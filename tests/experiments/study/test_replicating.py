"""Workers without a trial run replicates: whole studies on simulated workers."""

from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from support import study_commands

from oneshot_hpo.cluster.outcome import Outcome
from oneshot_hpo.cluster.simulated import SimulatedPool
from oneshot_hpo.experiments.benchmarks.idle_workers import Shares, shares_of
from oneshot_hpo.experiments.benchmarks.instant_trial import instant_trial
from oneshot_hpo.experiments.benchmarks.study_scale import specification
from oneshot_hpo.experiments.confirm.confirming import confirm_study
from oneshot_hpo.experiments.study.folder import create_study
from oneshot_hpo.experiments.study.loop import StudyRun
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.hpo import Study, TrialResult
from oneshot_hpo.hpo.journal.file import read_journal

WORKERS = 16


class Silent:
    def update(self, study: Any, running: int, workers: str) -> None: ...

    def say(self, line: str) -> None: ...


def run(folder: Path, setting: str, workers: int = WORKERS) -> Shares:
    spec = specification("paper", 90, workers, [f"bohb.replicates={setting}", "seed=1"])
    return shares_of(spec, folder)


def search(folder: Path) -> list[dict[str, Any]]:
    """The journal's asks and tells, without times."""
    events, _ = read_journal(folder / "journal.jsonl")
    times = ("time", "timestamps")
    return [
        {key: value for key, value in event.items() if key not in times}
        for event in events
        if event["event"] in ("ask", "tell")
    ]


@pytest.fixture(scope="module")
def without(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Shares]:
    folder = tmp_path_factory.mktemp("without") / "study"
    return folder, run(folder, "none")


@pytest.fixture(scope="module")
def replicated(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Shares]:
    folder = tmp_path_factory.mktemp("with") / "study"
    return folder, run(folder, "report")


def test_no_worker_is_idle_and_no_trial_waits(
    without: tuple[Path, Shares], replicated: tuple[Path, Shares]
) -> None:
    """The search is the same, in as much time: replicates gave way to it."""
    assert without[1].idle > 0.1
    assert without[1].number == 0
    assert replicated[1].idle < 0.02
    assert replicated[1].number > 0
    assert replicated[1].trials == pytest.approx(without[1].trials)
    assert search(replicated[0]) == search(without[0])


def test_the_default_and_the_best_take_turns(replicated: tuple[Path, Shares]) -> None:
    study = OpenedStudy(replicated[0])
    started = [one for one, _ in study.view.replicates] + study.view.pending_replicates
    assert {one.budget for one in started} == {study.largest_budget}
    keys = [one.key for one in started]
    assert len(set(keys)) == len(keys)
    assert any(one.id == (-1, 0, 0) for one in started)
    numbers: dict[tuple[int, ...], set[int]] = {}
    for one in started:
        numbers.setdefault(one.id, set()).add(one.number)
    assert all(own == set(range(1, len(own) + 1)) for own in numbers.values())


def test_the_expected_value_uses_them(replicated: tuple[Path, Shares]) -> None:
    study = OpenedStudy(replicated[0])
    shrunken = study.shrunken
    assert shrunken is not None
    assert study.view.incumbent is not None
    trial, result = study.view.incumbent
    losses = study.view.losses_of(trial, result)
    assert shrunken.evaluations == len(losses)
    assert shrunken.measured == pytest.approx(sum(losses) / len(losses))
    assert shrunken.is_repeated
    # The formula's is 0.02.
    assert shrunken.noise.deviation == pytest.approx(0.02, rel=0.6)


@pytest.mark.slow
def test_a_confirmation_does_not_run_them_again(tmp_path: Path) -> None:
    """Both settings have the replicate of its only seed, so nothing is left to run."""
    folder = tmp_path / "study"
    run(folder, "report")
    with Study.open(folder) as master:
        assert master.incumbent is not None
        assert master.baseline is not None
        both = {master.incumbent[0].id, master.baseline[0].id}
        for replicate in master.pending_replicates:
            master.tell_replicate(replicate, TrialResult(0.07, {"test_regret": 0.02}))
        while not both <= {one.id for one, result in master.replicates if not result.crashed}:
            following = master.replicate()
            assert following is not None
            master.tell_replicate(following, TrialResult(0.06, {"test_regret": 0.01}))

    confirm_study(Console(quiet=True), folder, 1)
    study = OpenedStudy(folder)
    confirmation = study.confirmation
    assert confirmation is not None
    assert confirmation.finished
    for run_, result in confirmation.evaluations:
        (same,) = [
            own
            for replicate, own in study.view.replicates
            if replicate.config == run_.config and replicate.seed == run_.seed
        ]
        assert result.loss == same.loss
    assert not (folder / "confirm" / "trials").exists()


class Interrupting(SimulatedPool):
    """Its master is killed after a number of outcomes; some replicates fail."""

    left = 10**9

    def next_outcomes(self, timeout: float) -> list[Outcome]:
        self.left -= 1
        if self.left < 0:
            raise KeyboardInterrupt
        return super().next_outcomes(timeout)


@pytest.mark.slow
def test_a_killed_study_resumes_with_its_replicates(
    tmp_path: Path, without: tuple[Path, Shares]
) -> None:
    folder = tmp_path / "study"
    spec = specification("paper", 90, WORKERS, ["bohb.replicates=report", "seed=1"])
    pool = Interrupting(WORKERS, 0, instant_trial, lambda task: task.budget)
    pool.left = 95
    with pytest.raises(KeyboardInterrupt), create_study(folder, spec) as study:
        StudyRun(study, spec, folder, Silent()).run(lambda: pool, WORKERS)  # type: ignore
    pending = OpenedStudy(folder).view.pending_replicates
    assert pending

    pool = Interrupting(WORKERS, 1, instant_trial, lambda task: task.budget)
    with Study.open(folder) as study:
        StudyRun(study, spec, folder, Silent()).run(lambda: pool, WORKERS)  # type: ignore
        assert study.finished
        ended = {replicate.key for replicate, _ in study.replicates}
    assert any(replicate.key in ended for replicate in pending)
    assert len(search(folder)) == len(search(without[0]))


@pytest.mark.slow
def test_a_replicate_that_keeps_failing_is_a_crash_and_stops_nothing(tmp_path: Path) -> None:
    class Failing(SimulatedPool):
        def next_outcomes(self, timeout: float) -> list[Outcome]:
            return [
                Outcome(one.key, failed="a device error")
                if one.key.count("/") == 2 and one.failed is None
                else one
                for one in super().next_outcomes(timeout)
            ]

    folder = tmp_path / "study"
    spec = specification("paper", 60, WORKERS, ["bohb.replicates=report", "seed=1"])
    pool = Failing(WORKERS, 0, instant_trial, lambda task: task.budget)
    with create_study(folder, spec) as study:
        StudyRun(study, spec, folder, Silent()).run(lambda: pool, WORKERS)  # type: ignore
        assert study.finished
        assert study.replicates
        assert all(result.crashed for _, result in study.replicates)
        assert study.replicates[0][1].exception == "a device error"


@pytest.mark.slow
def test_real_workers_run_replicates(tiny_study: Path, tmp_path: Path) -> None:
    folder = tmp_path / "study"
    setting = "bohb.replicates=report"
    ended = study_commands.run(
        "launch", tiny_study, "--dir", folder, "--workers", 3, "--set", setting
    )
    assert ended.returncode == 0, ended.stderr
    view = OpenedStudy(folder).view
    assert view.finished
    assert len(view.evaluations) == study_commands.TINY_EVALUATIONS
    assert view.replicates or view.pending_replicates
    for replicate, result in view.replicates:
        assert not result.crashed
        assert (folder / "replicates" / replicate.key / "result.json").exists()
    checked = study_commands.run("check", folder)
    assert checked.returncode == 0, checked.stdout
