"""A study that is resumed where something else is installed, or the data are others."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from oneshot_hpo.experiments import machine
from oneshot_hpo.experiments.confirm.confirming import confirm_study
from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.experiments.study.completion import complete, freeze
from oneshot_hpo.experiments.study.environment import check_environment
from oneshot_hpo.experiments.study.folder import create_study
from oneshot_hpo.experiments.study.launching import resume_study
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.experiments.study.specification import StudySpec
from oneshot_hpo.experiments.study.validation import load_study
from oneshot_hpo.hpo import Confirmation, Study, TrialResult, read_study


@pytest.fixture
def spec(tiny_study: Path) -> StudySpec:
    return freeze(complete(load_study(str(tiny_study), ["workers=1"]), "tiny"))


def begun(folder: Path, spec: StudySpec, key: str, **values: str) -> Path:
    """A study of six evaluations that was launched with other versions or checksums."""
    recorded = getattr(spec, key) | {name.replace("_", "-"): v for name, v in values.items()}
    with create_study(folder, spec.model_copy(update={key: recorded})) as study:
        study.ask()
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def resumed(folder: Path, *, accept: bool) -> None:
    resume_study(
        Console(file=io.StringIO()),
        folder,
        None,
        [],
        submit=False,
        as_job=False,
        cluster=None,
        accept_changes=accept,
    )


def test_what_decides_is_recorded(spec: StudySpec) -> None:
    names = {"oneshot-hpo", "torch", "numpy", "ConfigSpace", "hpbandster", "scipy", "statsmodels"}
    assert names <= spec.versions.keys()
    assert {key: len(value) for key, value in spec.checksums.items()} == {
        "dataset": 64,
        "table": 64,
    }


@pytest.mark.parametrize(
    ("key", "values", "expected"),
    [
        ("versions", {"torch": "1.0"}, f"torch 1.0 → {machine.versions()['torch']}"),
        ("versions", {"oneshot_hpo": "0.0"}, "oneshot-hpo 0.0 → "),
        ("checksums", {"dataset": "ab" * 32}, "data set digits, SHA-256 abababababab → "),
        ("checksums", {"table": "cd" * 32}, "synthetic.npz, SHA-256 cdcdcdcdcdcd → "),
    ],
)
def test_a_difference_is_reported_and_nothing_written(
    tmp_path: Path, spec: StudySpec, key: str, values: dict[str, str], expected: str
) -> None:
    folder = begun(tmp_path / "study", spec, key, **values)
    before = contents(folder)
    with pytest.raises(UserError, match=r"resume .*--accept-changes") as refused:
        resumed(folder, accept=False)
    assert expected in str(refused.value)
    assert contents(folder) == before


def test_an_accepted_difference_is_noted_once_and_decides_nothing(
    tmp_path: Path, spec: StudySpec
) -> None:
    folder = begun(tmp_path / "study", spec, "versions", torch="1.0")
    pending = read_study(folder).pending
    console = Console(file=io.StringIO())
    noted = check_environment(console, OpenedStudy(folder), accept=True)
    assert noted is not None
    with Study.open(folder) as study:
        study.note(*noted)
        assert study.pending == pending
    assert read_study(folder).pending == pending
    assert check_environment(console, OpenedStudy(folder), accept=False) is None
    with Study.open(folder) as study:  # the journal is replayed with the note in it
        assert study.ask() is not None


def test_python_and_what_only_loads_data_may_change(tmp_path: Path, spec: StudySpec) -> None:
    folder = begun(tmp_path / "study", spec, "versions", python="3.0", scikit_learn="1.0")
    assert check_environment(Console(file=io.StringIO()), OpenedStudy(folder), accept=False) is None


def test_a_study_that_recorded_nothing_resumes_with_a_note(tmp_path: Path, spec: StudySpec) -> None:
    folder = tmp_path / "study"
    create_study(folder, spec.model_copy(update={"checksums": {}, "versions": {}})).close()
    said = io.StringIO()
    assert check_environment(Console(file=said), OpenedStudy(folder), accept=False) is None
    lines = said.getvalue().splitlines()
    assert len(lines) == 2
    assert all(line.endswith(": nothing to compare") for line in lines)


def test_a_confirmation_asks_too_and_notes_it_in_its_own_journal(
    tmp_path: Path, spec: StudySpec
) -> None:
    folder = begun(tmp_path / "study", spec, "versions", torch="1.0")
    with Study.open(folder) as study:
        while (trial := study.ask()) is not None:
            study.tell(trial, TrialResult(0.5, {}))
    before = contents(folder)
    console = Console(file=io.StringIO())
    with pytest.raises(UserError, match=r"torch 1\.0 → .*confirm .*--accept-changes"):
        confirm_study(console, folder, 1)
    assert contents(folder) == before

    own = folder / "confirm"
    noted = check_environment(console, OpenedStudy(folder), accept=True, confirming=True)
    assert noted is not None
    header = read_study(folder).header
    with Confirmation.create(own, header=header, seed=0, budget=2) as confirmation:
        confirmation.note(*noted)
        confirmation.plan("default", {}, 1)
    assert check_environment(console, OpenedStudy(folder), accept=False, confirming=True) is None
    with Confirmation.open(own) as confirmation:  # replayed with the note in it
        assert confirmation.ask() is not None
    with pytest.raises(UserError, match=r"resume .*--accept-changes"):
        check_environment(console, OpenedStudy(folder), accept=False)
