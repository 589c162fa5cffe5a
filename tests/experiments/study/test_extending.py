"""`oneshot-hpo extend`: what it changes, what readers see of it, and what it refuses."""

import shutil
import time
from pathlib import Path
from typing import Any

import pytest
from support.made_study import new_study, result_of, run_study, write_search
from support.study_commands import called, events, refused

import oneshot_hpo
from oneshot_hpo.experiments.errors import StudyFileError, UserError
from oneshot_hpo.experiments.study.extensions import difference, extended
from oneshot_hpo.experiments.study.folder import SPECIFICATION
from oneshot_hpo.experiments.study.launching import _crashed
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.experiments.study.trial import RESULT
from oneshot_hpo.experiments.study.validation import load_study
from oneshot_hpo.hpo import Extension, Study, read_study
from oneshot_hpo.hpo.extension import DROPPED
from oneshot_hpo.hpo.journal.file import JOURNAL_NAME
from oneshot_hpo.hpo.journal.lock import StudyLock
from oneshot_hpo.searchers.checkpoint import CHECKPOINT

SETTINGS = ("min_budget=1", "max_budget=2", "eta=2", "iterations=2", "workers=1")


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of six evaluations, of which two have finished."""
    folder = tmp_path_factory.mktemp("begun") / "study"
    return run_study(folder, *SETTINGS, workers=1, evaluations=2)


@pytest.fixture
def study(begun: Path, tmp_path: Path) -> Path:
    """A copy, in which the third trial is pending."""
    folder = tmp_path / "study"
    shutil.copytree(begun, folder)
    with Study.open(folder) as opened:
        opened.ask()
    return folder


def finish(folder: Path) -> None:
    """Run a study to its end, with simulated searches."""
    with Study.open(folder) as study:
        while (trial := study.pending[0] if study.pending else study.ask()) is not None:
            write_search(folder, trial, crashed=False)
            study.tell(trial, result_of(trial, time.time(), crashed=False))


def test_a_study_is_extended_by_brackets(study: Path) -> None:
    header = events(study)[0]
    ended = called("extend", study, "--iterations", 2)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "extended (2 brackets more); evaluations left: 9" in ended.stdout
    words = "With 1 worker it equals a study launched with iterations 4."
    assert words in " ".join(ended.stdout.split())
    assert f"to continue: oneshot-hpo resume {study}" in ended.stdout

    assert events(study)[0] == header
    opened = OpenedStudy(study)
    assert (opened.spec.iterations, opened.view.total_evaluations) == (4, 11)
    assert load_study(str(study / SPECIFICATION)).iterations == 4
    assert "2 of 11" in called("status", study).stdout


def test_a_study_gets_other_stop_rules(study: Path) -> None:
    ended = called("extend", study, "--stop", "gpu_hours=20", "--stop", "evaluations=4")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "extended (stop: evaluations 4, gpu_hours 20); evaluations left: 4" in ended.stdout
    assert OpenedStudy(study).spec.stop.rules == {"evaluations": 4, "gpu_hours": 20}
    assert load_study(str(study / SPECIFICATION)).stop.gpu_hours == 20

    # Another one leaves the others as they are.
    called("extend", study, "--stop", "evaluations=null")
    assert OpenedStudy(study).spec.stop.rules == {"gpu_hours": 20}


def test_a_stop_rule_that_stays_reached_is_named(study: Path) -> None:
    with Study.open(study) as opened:
        opened.reach_stop("wall_hours", "2 hours since the launch")
    ended = called("extend", study, "--iterations", 1)
    words = "No trial will start: the stop rule wall_hours is reached (2 hours since the launch)."
    assert words in " ".join(ended.stdout.split())
    assert f"without that rule: oneshot-hpo extend {study} --stop wall_hours=null" in ended.stdout

    # So is one whose new limit is behind the study already; three trials have started.
    ended = called("extend", study, "--stop", "evaluations=3")
    words = "No trial will start: the stop rule evaluations is reached (3 evaluations)."
    assert words in " ".join(ended.stdout.split())
    assert "No trial" not in called("extend", study, "--stop", "evaluations=4").stdout


@pytest.mark.slow
def test_noise_that_nothing_gives_is_missed_before_a_study_is_extended(tmp_path: Path) -> None:
    study = tmp_path / "study"
    own = "objective={error: mean, plus: {parameters: 1.0e-7}}"
    new_study(study, *SETTINGS, own).close()
    before = (study / JOURNAL_NAME).read_bytes()
    line = refused("extend", study, "--stop", "no_improvement=9")
    assert "stop.no_improvement: the objective's noise is not known: set stop.noise" in line
    assert (study / JOURNAL_NAME).read_bytes() == before

    called("extend", study, "--stop", "no_improvement=9", "--stop", "noise=0.01")
    assert OpenedStudy(study).spec.stop.noise == 0.01
    called("extend", study, "--stop", "no_improvement=null")  # the noise goes with it
    assert OpenedStudy(study).spec.stop.noise is None


@pytest.mark.slow
def test_readers_see_a_rung_on_top(study: Path, tmp_path: Path) -> None:
    finish(study)
    optuna = tmp_path / "optuna"
    assert called("export", study, "--to", "optuna", "--out", optuna).returncode == 0
    ended = called("extend", study, "--max-budget", 4, "--iterations", 1)
    assert "a rung of 4 epochs on top" in ended.stdout
    assert "would have started with more configurations" in " ".join(ended.stdout.split())
    opened = OpenedStudy(study)
    assert opened.largest_budget == opened.spec.max_budget == 4
    assert opened.state == "stopped"

    # The default has finished at 2 epochs, and waits for its evaluation at 4.
    assert called("export", study, "--to", "optuna", "--out", optuna).returncode == 0
    finish(study)
    for words in (
        ("status", study),
        ("check", study),
        ("export", study, "--to", "optuna", "--out", optuna),
        ("export", study, "--to", "csv", "--out", tmp_path / "csv"),
        ("report", study),
        ("compare", study),
    ):
        done = called(*words)
        if words[0] != "compare":
            assert (done.returncode, done.stderr) == (0, ""), words
    assert "sound; checked:" in called("check", study).stdout
    page = (study / "report" / "index.html").read_text()
    assert "a rung of 4 epochs on top" in page
    assert "a repetition is not: it will differ" in page

    frame = OpenedStudy(study).trials_frame()
    top = frame[frame["budget"] == 4]
    assert list(top["bracket"]) == [-1, 0, 1, 2]
    assert list(top["rung"].dropna()) == [2, 1, 2]


def test_a_trial_is_dropped_with_what_its_worker_left(study: Path) -> None:
    (trial,) = read_study(study).pending
    folder = study / "trials" / trial.key
    folder.mkdir(parents=True)
    for name in (CHECKPOINT, RESULT):
        (folder / name).write_bytes(b"x")
    ended = called("extend", study, "--drop", trial.key)
    assert "extended (1 trial dropped)" in ended.stdout
    assert list(folder.iterdir()) == []
    view = read_study(study)
    assert view.pending == []
    assert view.evaluations[-1][1].exception == DROPPED

    # It is run again only by its name.
    with pytest.raises(UserError, match=r"no evaluation of .* crashed"):
        _crashed(view, study, ["all"])
    assert _crashed(view, study, [trial.key]) == [trial]


def test_a_configuration_has_the_values_of_the_default_where_none_are_given(study: Path) -> None:
    called("extend", study, "--add", "learning_rate=1,weight_decay=3e-4")
    (_, extension) = read_study(study).extensions[0]
    default = dict(OpenedStudy(study).view.space.get_default_configuration())
    given = {"learning_rate": 1.0, "weight_decay": 3e-4}
    assert list(extension.add) == [default | given]
    finish(study)
    added = next(t for t, _ in read_study(study).evaluations if t.id == (1, 0, 0))
    assert added.config == default | given


REFUSED: dict[str, tuple[tuple[object, ...], str]] = {
    "nothing": ((), "say how"),
    "no rung": (("--max-budget", 6), "the rung above 2 has 4 (eta 2 times as much)"),
    "outside": (("--add", "learning_rate=7"), "--add learning_rate=7: learning_rate cannot be 7.0"),
    "unknown": (("--add", "rate=7"), "unknown hyperparameter rate"),
    "no value": (("--add", "learning_rate"), "must be NAME=VALUE"),
    "twice": (("--add", "learning_rate=0.1,learning_rate=0.2"), "learning_rate comes twice"),
    "no room": (("--add", "learning_rate=0.1") * 9, "extend the study by more brackets"),
    "no trial": (("--drop", "0-0-9/1"), "has no such trial (can be dropped: 0-0-1/1)"),
    "finished": (("--drop", "baseline/2"), "it has finished (can be dropped: 0-0-1/1)"),
    "too many": (("--iterations", 999_999), "iterations"),
    "no rule": (("--stop", "gpu_hour=20"), "unknown key 'gpu_hour' in section stop"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_bad_input_is_one_line_and_changes_nothing(study: Path, case: str) -> None:
    options, words = REFUSED[case]
    before = {path: path.read_bytes() for path in study.rglob("*") if path.is_file()}
    assert words in refused("extend", study, *options)
    assert {path: path.read_bytes() for path in study.rglob("*") if path.is_file()} == before


def test_a_study_that_a_master_runs_is_not_extended(study: Path) -> None:
    before = (study / JOURNAL_NAME).read_bytes()
    lock = StudyLock(study)
    try:
        assert "held by another master" in refused("extend", study, "--iterations", 1)
    finally:
        lock.release()
    assert (study / JOURNAL_NAME).read_bytes() == before


def test_a_folder_without_a_study_is_refused(tmp_path: Path) -> None:
    assert "no such folder" in refused("extend", tmp_path / "none", "--iterations", 1)
    assert "holds no study" in refused("extend", tmp_path, "--iterations", 1)


def test_a_program_extends_a_study(study: Path) -> None:
    opened = oneshot_hpo.extend(study, iterations=1, add=[{"learning_rate": 0.1}], drop="0-0-1/1")
    assert oneshot_hpo.extend(study, stop={"gpu_hours": 20}).spec.stop.gpu_hours == 20
    (_, extension) = opened.view.extensions[0]
    assert (extension.iterations, len(extension.add), extension.drop) == (1, 1, (((0, 0, 1), 1),))
    with pytest.raises(oneshot_hpo.UserError, match="iterations"):
        oneshot_hpo.extend(study, iterations=-1)


def test_a_confirmation_keeps_its_budget(study: Path) -> None:
    from oneshot_hpo.experiments.confirm.confirming import FOLDER, _opened

    finish(study)
    _opened(OpenedStudy(study)).close()
    called("extend", study, "--max-budget", 4)
    finish(study)
    with pytest.raises(UserError, match=f"{FOLDER} has runs of 2 epochs.* extended to 4"):
        _opened(OpenedStudy(study))


def test_a_specification_is_extended_within_what_a_study_file_may_have() -> None:
    spec = load_study("quickstart", ["iterations=0", "config_space=none"])
    with pytest.raises(StudyFileError, match=r"^here: config_space none leaves nothing to tune"):
        extended(spec, [Extension(iterations=1)], "here")
    assert extended(spec, [], "here") is spec


@pytest.mark.parametrize(
    ("extension", "workers", "words"),
    [
        ({"iterations": 1}, 1, "With 1 worker it equals a study launched with iterations 3."),
        ({"iterations": 1}, 2, "With 2 workers and results in the same order it equals"),
        ({"max_budget": 4}, 1, "would have started with more configurations"),
        ({"iterations": 1, "add": [{}]}, 1, ""),
        ({"stop": {"gpu_hours": 20}}, 1, ""),
    ],
)
def test_it_is_said_whether_a_launched_study_would_be_equal(
    begun: Path, extension: dict[str, Any], workers: int, words: str
) -> None:
    said = difference(read_study(begun), Extension(**extension), workers)
    assert words in said
    assert bool(said) == bool(words)


@pytest.mark.parametrize(
    ("extension", "workers", "words"),
    [
        ({"iterations": 1}, 1, "With 1 worker it equals a study launched with iterations 3."),
        ({"iterations": 1}, 2, "launched with iterations 3 may differ: of its 2 workers some"),
        ({"stop": {"gpu_hours": 20}}, 1, "it equals a study that was not stopped."),
        ({"stop": {"gpu_hours": 20}}, 2, "A study that was not stopped may differ: of its 2"),
    ],
)
def test_a_stopped_study_equals_a_launched_one_with_one_worker(
    study: Path, extension: dict[str, Any], workers: int, words: str
) -> None:
    with Study.open(study) as opened:
        opened.reach_stop("gpu_hours", "10 GPU hours")
    assert words in difference(read_study(study), Extension(**extension), workers)


def test_several_workers_that_waited_at_the_end_are_another_study(study: Path) -> None:
    finish(study)
    said = difference(read_study(study), Extension(iterations=1), 2)
    assert said.startswith("A study launched with iterations 3 may differ: of its 2 workers some")
