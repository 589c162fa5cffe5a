"""Each stop rule, reached on simulated workers: named once, what runs is finished, extendable."""

import contextlib
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from support.made_study import confirm, new_study, run_study
from support.scripted_study import better_later, work
from support.study_commands import called, decisions, refused

from oneshot_hpo.cluster.simulated import SimulatedPool
from oneshot_hpo.experiments.compare.sources import _notes
from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.experiments.report import headline
from oneshot_hpo.experiments.study.completion import complete
from oneshot_hpo.experiments.study.loop import StudyRun
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.experiments.study.specification import StudySpec
from oneshot_hpo.experiments.study.status import show_status
from oneshot_hpo.experiments.study.stop_noise import Noise, noise_of
from oneshot_hpo.experiments.study.stop_rules import Plateau, StopRules, stop_rules
from oneshot_hpo.experiments.study.validation import load_study
from oneshot_hpo.experiments.terminal.progress import PlainDisplay
from oneshot_hpo.hpo import Extension, Study, Trial, TrialResult, read_study
from oneshot_hpo.hpo.study_events import EXTENSION, STOP_REACHED

HOUR = 3600.0
OWN = (STOP_REACHED, EXTENSION)


def trial_result(loss: Callable[[Any], float], task: Any) -> dict[str, Any]:
    """A result after an hour an epoch."""
    value = loss(task)
    times = {"started": 0.0, "finished": HOUR * task.budget, "search_seconds": HOUR * task.budget}
    info = {"valid_error": value, "test_error": value + 0.01, "test_regret": value}
    return {"loss": value, "info": info, "exception": None, "timestamps": times}


def by_rate(task: Any) -> float:
    """A loss that depends on the configuration alone."""
    return float(0.05 + 0.1 * abs(task.config["learning_rate"] - 0.1) + 0.01 / task.budget)


def worked(
    folder: Path,
    study: Study,
    workers: int = 3,
    loss: Callable[[Any], float] = by_rate,
    clock: Callable[[], float] | None = None,
) -> str:
    """Work on a study with simulated workers until nothing is left; returns what was printed."""
    said = io.StringIO()
    spec = OpenedStudy(folder).spec
    rules = stop_rules(study, spec, folder)
    if rules is not None and clock is not None:
        rules = StopRules(study, spec, clock=clock)
    pool: Any = SimulatedPool(
        workers, 0, lambda task: trial_result(loss, task), lambda task: HOUR * task.budget
    )
    display = PlainDisplay(Console(file=said, width=200), spec.title, workers)
    run = StudyRun(study, spec, folder, display, rules)
    run.run(lambda: contextlib.nullcontext(pool), workers)  # type: ignore[arg-type]
    return said.getvalue()


def said_of_rule(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("stop rule ")]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rule", "limit", "loss"),
    [
        ("evaluations", 10, by_rate),
        ("gpu_hours", 30, by_rate),
        ("target_error", 0.06, by_rate),
        ("no_improvement", 8, lambda task: 0.1),
    ],
)
def test_a_rule_ends_the_study_once_and_it_can_be_extended(
    tmp_path: Path, rule: str, limit: float, loss: Callable[[Any], float]
) -> None:
    folder = tmp_path / "study"
    with new_study(folder, f"stop.{rule}={limit}", "iterations=5") as study:
        (line,) = said_of_rule(worked(folder, study, loss=loss))
        assert line.startswith(f"stop rule {rule}: ")
        assert line.endswith("running evaluations are finished")
        assert study.finished
        assert study.stop_reached is not None
        assert study.stop_reached.rule == rule
        assert study.baseline is not None
        assert len(study.evaluations) < study.total_evaluations
        assert not study.pending

    # Resumed, it is still stopped, and nothing is decided again.
    before = (folder / "journal.jsonl").read_bytes()
    with Study.open(folder) as study:
        assert not said_of_rule(worked(folder, study, loss=loss))
    assert (folder / "journal.jsonl").read_bytes() == before

    # Without the rule it runs to its end.
    extended = called("extend", folder, "--stop", f"{rule}=null")
    assert (extended.returncode, extended.stderr) == (0, "")
    assert "extended (stop: no rule)" in extended.stdout
    assert "No trial will start" not in extended.stdout
    with Study.open(folder) as study:
        assert not said_of_rule(worked(folder, study, loss=loss))
        assert len(study.evaluations) == study.total_evaluations
        rungs = [rung for bracket in study.brackets for rung in bracket.rungs]
        assert all(rung.finished == rung.planned for rung in rungs)
    assert [e["event"] for e in decisions(folder) if e["event"] in OWN] == list(OWN)


@pytest.mark.slow
def test_one_worker_extended_equals_one_never_stopped(tmp_path: Path) -> None:
    """With one worker nothing runs when the rule is reached, so the decisions are the same."""
    with new_study(tmp_path / "whole", "iterations=3") as study:
        worked(tmp_path / "whole", study, workers=1)
    folder = tmp_path / "extended"
    with new_study(folder, "iterations=3", "stop.evaluations=7") as study:
        (line,) = said_of_rule(worked(folder, study, workers=1))
        assert line == "stop rule evaluations: 7 evaluations"
        assert len(study.evaluations) == 7
        study.extend(Extension(stop={"evaluations": 12}))
        worked(folder, study, workers=1)
        assert len(study.evaluations) == 12
        study.extend(Extension(stop={"evaluations": None}))
        worked(folder, study, workers=1)
    found = [event for event in decisions(folder)[1:] if event["event"] not in OWN]
    assert found == decisions(tmp_path / "whole")[1:]


def test_evaluations_are_exactly_as_many(tmp_path: Path) -> None:
    with new_study(tmp_path, "stop.evaluations=11") as study:
        worked(tmp_path, study, workers=4)
        assert len(study.evaluations) == 11


def test_gpu_hours_count_what_runs(tmp_path: Path) -> None:
    """Without it, a rule would be seen only when the long trials that it forbids have ended."""
    with new_study(tmp_path, "stop.gpu_hours=30") as study:
        (line,) = said_of_rule(worked(tmp_path, study))
        counted = float(line.split(": ")[1].split()[0])
        finished = [e for e in decisions(tmp_path) if e["event"] in ("tell", OWN[0])]
        before = finished[: next(n for n, e in enumerate(finished) if e["event"] == OWN[0])]
        told = sum(event["budget"] for event in before)
    assert told < 30 <= counted  # the rest are hours of the trials that ran then


def test_wall_hours_count_from_the_launch(tmp_path: Path) -> None:
    with new_study(tmp_path, "stop.wall_hours=2", "iterations=2") as study:
        created = study.times.created
        times = iter([created + HOUR] * 3 + [created + 2 * HOUR])
        (line,) = said_of_rule(
            worked(tmp_path, study, workers=1, clock=lambda: next(times, created + 9 * HOUR))
        )
        assert line == "stop rule wall_hours: 2 hours since the launch"
        assert len(study.evaluations) == 4  # the first starts in any case


def test_the_first_trial_starts_however_late(tmp_path: Path) -> None:
    """A study that waited for SLURM longer than it may run still has its default."""
    with new_study(tmp_path, "stop.wall_hours=2") as study:
        late = study.times.created + 3 * HOUR
        worked(tmp_path, study, workers=1, clock=lambda: late)
        assert [trial.key for trial, _ in study.evaluations] == ["baseline/12"]


def test_a_study_that_has_started_all_is_not_stopped(tmp_path: Path) -> None:
    with new_study(tmp_path, "iterations=1", "stop.evaluations=1000") as study:
        total = study.total_evaluations
    with new_study(tmp_path / "exact", "iterations=1", f"stop.evaluations={total}") as study:
        assert not said_of_rule(worked(tmp_path / "exact", study))
        assert study.stop_reached is None
        assert study.finished


def test_small_improvements_add_up_and_lower_budgets_only_count() -> None:
    plateau = Plateau(12, 0.01)

    def told(number: int, budget: int, loss: float | None) -> int:
        trial = Trial((0, 0, number), budget, {}, seq=0, attempt=0, seed=0)
        reason = None if loss is not None else "diverged"
        plateau.learn(trial, TrialResult(loss, exception=reason))
        return plateau.evaluations

    assert told(0, 3, 0.01) == 0  # nothing to improve yet
    assert told(1, 12, 0.100) == 0
    assert told(2, 12, 0.095) == 1
    assert told(3, 12, None) == 2
    assert told(4, 3, 0.001) == 3
    assert told(5, 12, 0.0901) == 4  # not more than the noise
    assert told(6, 12, 0.0899) == 0
    assert plateau.since == "0-0-6/12"


def test_noise_is_of_the_confirmation_else_of_the_table(tmp_path: Path) -> None:
    folder = tmp_path / "study"
    with new_study(folder, "iterations=1") as study:
        work(study, better_later, evaluations=8)
    spec = OpenedStudy(folder).spec
    of_table = noise_of(spec, folder / "confirm")
    assert of_table.source == "of the table"
    assert 0.001 < of_table.value < 0.05

    confirm(folder, seeds=4)
    found = noise_of(spec, folder / "confirm")
    assert found.source == "of the confirmation"
    view = OpenedStudy(folder).confirmation
    assert view is not None
    spreads = []
    for name in view.settings:
        losses = [result.loss or 0.0 for _, result in view.results_of(name).values()]
        mean = sum(losses) / len(losses)
        spreads.append(sum((loss - mean) ** 2 for loss in losses) / (len(losses) - 1))
    assert found.value == pytest.approx((sum(spreads) / len(spreads)) ** 0.5)
    own = load_study("quickstart", ["stop.no_improvement=5", "stop.noise=0.25"])
    assert noise_of(own, folder / "confirm") == Noise(0.25, "as set")


def test_a_stopped_study_says_so_everywhere(tmp_path: Path) -> None:
    folder = tmp_path / "study"
    with new_study(folder, "stop.evaluations=8") as study:
        work(study, better_later, evaluations=8)
        study.reach_stop("evaluations", "8 evaluations")
        total = study.total_evaluations
    opened = OpenedStudy(folder)
    assert opened.state == "finished"
    words = f"stopped by its rule evaluations (8 evaluations), after 8 of {total} evaluations"
    page = headline.read(opened)
    assert words in " ".join(page.sentences)
    assert not any("has not finished" in sentence for sentence in page.sentences)
    assert headline.progress(opened).endswith("stopped by the rule evaluations")

    console = Console(file=io.StringIO(), width=80)
    show_status(console, folder)
    assert isinstance(console.file, io.StringIO)
    shown = console.file.getvalue()
    assert " ".join(shown.split()).count(words) == 1
    assert f"oneshot-hpo extend {folder} --stop evaluations=null" in shown
    assert "none starts: stop rule evaluations" in shown

    confirm(folder, seeds=2)
    opened = OpenedStudy(folder)
    assert opened.confirmation is not None
    assert any(words in note for note in _notes(opened, opened.confirmation, "default"))


def test_running_trials_of_a_stopped_study_are_finished_by_the_next_master(tmp_path: Path) -> None:
    with new_study(tmp_path, "stop.evaluations=5") as study:
        work(study, better_later, evaluations=3)
        study.ask()
        study.ask()
        study.reach_stop("evaluations", "5 evaluations")
    assert not read_study(tmp_path).finished
    assert OpenedStudy(tmp_path).state == "stopped"
    with Study.open(tmp_path) as study:
        assert not said_of_rule(worked(tmp_path, study))
        assert len(study.evaluations) == 5


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("stop.evaluations=0", "key 'stop.evaluations' must be a whole number of evaluations"),
        ("stop.gpu_hours=-1", "key 'stop.gpu_hours' must be a number of hours above 0"),
        ("stop.wall_hours=.inf", "key 'stop.wall_hours' must be a number of hours above 0"),
        ("stop.target_error=low", "key 'stop.target_error' must be a number"),
        ("stop.gpu_hour=1", "unknown key 'gpu_hour' in section stop: did you mean gpu_hours"),
        ("stop.noise=0.1", "key 'stop.noise' is for stop.no_improvement, which is not set"),
        ("stop=3", "key 'stop' must be a section of keys"),
    ],
)
def test_bad_rules_are_refused_in_a_line(tmp_path: Path, setting: str, words: str) -> None:
    folder = tmp_path / "new"
    assert words in refused("launch", "quickstart", "--dir", folder, "--set", setting)
    assert not folder.exists()


@pytest.mark.slow
def test_other_rules_that_cannot_be_used_leave_the_journal(tmp_path: Path) -> None:
    folder = run_study(tmp_path / "study", "iterations=1", evaluations=3)
    before = (folder / "journal.jsonl").read_bytes()
    for rule, words in (
        ("gpu_hours=-1", "key 'stop.gpu_hours' must be a number of hours above 0"),
        ("gpu_hour=1", "unknown key 'gpu_hour' in section stop: did you mean gpu_hours"),
        ("noise=0.1", "key 'stop.noise' is for stop.no_improvement, which is not set"),
        ("gpu_hours", "--stop gpu_hours: must be NAME=VALUE"),
    ):
        assert words in refused("extend", folder, "--stop", rule)
    assert "extend changes iterations" in refused("resume", folder, "--set", "stop.gpu_hours=1")
    assert (folder / "journal.jsonl").read_bytes() == before


def test_where_nothing_gives_the_noise_it_has_to_be_set() -> None:
    def completed(*settings: str) -> StudySpec:
        spec = load_study("quickstart", ["stop.no_improvement=9", *settings])
        return complete(spec, "mine.yaml")

    assert completed().stop.no_improvement == 9
    own = "objective={error: mean, plus: {parameters: 1.0e-7}}"
    with pytest.raises(UserError, match=r"mine.yaml: stop.no_improvement: the objective's noise"):
        completed(own)
    assert completed(own, "stop.noise=0.01").stop.noise == 0.01
