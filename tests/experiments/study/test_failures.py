"""What follows from trials that fail: for the trial, for the worker, for the study."""

from pathlib import Path

from oneshot_hpo.cluster.worker import Worker
from oneshot_hpo.experiments.study.cluster_section import ClusterSection
from oneshot_hpo.experiments.study.failures import Failures, first_bracket_crashed
from oneshot_hpo.experiments.study.trial_limits import TrialLimits
from oneshot_hpo.hpo import Study, TrialResult

A, B = Worker("tcp://a:1", "0", "a"), Worker("tcp://b:1", "1", "b")


def test_a_failure_is_data_once_it_was_seen_on_two_workers() -> None:
    failures = Failures()
    failures.add("0-0-0/1", A)
    assert not failures.is_data("0-0-0/1")
    assert failures.tried("0-0-0/1") == [A]
    failures.add("0-0-0/1", B)
    assert failures.is_data("0-0-0/1")
    assert failures.tried("0-0-0/1") == ()


def test_two_trials_in_a_row_make_a_worker_sick() -> None:
    failures = Failures()
    failures.add("0-0-0/1", A)
    assert not failures.is_sick(A)
    failures.add("0-0-1/1", A)
    assert failures.is_sick(A)
    assert not failures.is_sick(B)
    assert failures.on(A) == ["0-0-0/1", "0-0-1/1"]


def test_a_trial_that_ends_in_between_makes_it_sound() -> None:
    failures = Failures()
    failures.add("0-0-0/1", A)
    failures.ended("0-0-2/1", A)
    failures.add("0-0-1/1", A)
    assert not failures.is_sick(A)


def test_a_trial_that_fails_everywhere_says_nothing_of_its_workers() -> None:
    failures = Failures()
    for worker in (A, B):
        failures.add("0-0-0/1", worker)
    assert failures.is_data("0-0-0/1")
    failures.add("0-0-1/1", A)
    assert not failures.is_sick(A)


def test_a_first_bracket_that_crashed_alike_is_seen_when_it_has_ended(study: Study) -> None:
    while (trial := study.ask()) is not None and trial.id[0] < 1:
        assert first_bracket_crashed(study) is None
        study.tell(trial, TrialResult(None, exception=f"RuntimeError: {trial.key}"))
    reason = first_bracket_crashed(study)
    assert reason is not None
    assert reason.startswith("RuntimeError: 0-")


def test_a_first_bracket_with_one_result_or_two_faults_is_no_reason_to_stop(tmp_path: Path) -> None:
    from oneshot_hpo.hpo import OptimizerSettings, configuration_space

    settings = OptimizerSettings(min_budget=1, max_budget=2, eta=2, iterations=1)
    space = configuration_space("cs2", image_size=8)
    for name, odd in (
        ("result", TrialResult(0.5)),
        ("other fault", TrialResult(None, exception="ValueError: x")),
    ):
        with Study.create(tmp_path / name, header={}, space=space, settings=settings) as study:
            while (trial := study.ask()) is not None:
                last = len(study.evaluations) == study.total_evaluations - 1
                study.tell(trial, odd if last else TrialResult(None, exception="RuntimeError: y"))
            assert study.finished
            assert first_bracket_crashed(study) is None


def test_a_worker_that_a_trial_gave_up_is_avoided_but_not_blamed() -> None:
    failures, worker = Failures(), Worker("tls://10.0.0.1:1", "0", "10.0.0.1")
    failures.leave("a", worker)
    failures.leave("b", worker)
    assert list(failures.avoided("a")) == [worker]
    assert not failures.tried("a")
    assert not failures.is_sick(worker)
    failures.ended("a", worker)
    assert not failures.avoided("a")


def test_limits_of_a_trial(study: Study) -> None:
    trial = study.ask()
    assert trial is not None
    assert not TrialLimits(ClusterSection()).any
    assert TrialLimits(ClusterSection(trial_timeout=60)).seconds(trial.budget) == 60

    limits = TrialLimits(ClusterSection(trial_timeout=1000, trial_timeout_factor=10))
    for seconds in (4.0, 6.0, 80.0):
        assert limits.seconds(trial.budget) == 1000
        times = {"started": 100.0, "finished": 100.0 + seconds, "search_seconds": 1.0}
        limits.learn(trial, TrialResult(0.5, timestamps=times))
    assert limits.seconds(trial.budget) == 60
    assert limits.seconds(trial.budget + 1) == 1000
