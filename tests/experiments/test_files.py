"""A study folder with links in it, as somebody may hand it over: nothing is written through one."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console
from support.made_study import new_study, run_study

from oneshot_hpo.experiments.cli.exports import export
from oneshot_hpo.experiments.confirm.confirming import confirm_study
from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.experiments.files import check_own_files, strange_files
from oneshot_hpo.experiments.grids.grid import load_grid
from oneshot_hpo.experiments.grids.running import check_folder
from oneshot_hpo.experiments.report.reporting import write_report
from oneshot_hpo.experiments.study.folder import STUDY_NAMES, check_vacant
from oneshot_hpo.experiments.study.launching import launch_study, resume_study
from oneshot_hpo.experiments.study.trust import NOTHING_SAID
from oneshot_hpo.experiments.study.yaml_files import dump_yaml
from oneshot_hpo.hpo import Study, StudyUnwritable
from oneshot_hpo.hpo.journal.file import DRAFT_NAME, JOURNAL_NAME

CONSOLE = Console(quiet=True)
WRITERS: dict[str, Callable[[Path], object]] = {
    "resume": lambda folder: resume_study(
        CONSOLE, folder, None, [], submit=False, as_job=False, cluster=None
    ),
    "confirm": lambda folder: confirm_study(CONSOLE, folder, 1),
    "export": lambda folder: export([folder], "csv"),
    "report": lambda folder: write_report(folder, []),
}
PLACES = (
    *("logs/worker-0.log", "trials/0-0-0", "exports/csv", "report", "confirm", "lock"),
    *("lock.owner", "study.yaml", "slurm/scheduler.json", "logs", "trials", "exports"),
)


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """What is the user's own: a folder with a long file."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "mine").write_bytes(b"mine\n" * (4 << 20))
    return tmp_path / "outside"


@pytest.fixture(scope="module")
def whole_study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run_study(tmp_path_factory.mktemp("made") / "study", "iterations=1", "max_budget=3")


@pytest.mark.parametrize("place", PLACES)
def test_whoever_writes_refuses_a_link_in_one_line(
    whole_study: Path, tmp_path: Path, outside: Path, place: str
) -> None:
    folder = tmp_path / "study"
    shutil.copytree(whole_study, folder)
    path = folder / place
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    path.parent.mkdir(exist_ok=True)
    path.symlink_to(outside / "mine" if "." in place or place == "lock" else outside)
    before = {each: each.read_bytes() for each in outside.iterdir()}
    for write in WRITERS.values():
        with pytest.raises(UserError) as refusal:
            write(folder)
        assert str(refusal.value).startswith(f"{path} is a symbolic link, to {outside}")
    assert {each: each.read_bytes() for each in outside.iterdir()} == before


def test_a_study_is_reached_through_links_and_the_users_own_are_left(
    whole_study: Path, tmp_path: Path, outside: Path
) -> None:
    shutil.copytree(whole_study, tmp_path / "elsewhere" / "study")
    (tmp_path / "studies").symlink_to(tmp_path / "elsewhere")
    folder = tmp_path / "studies" / "study"
    (folder / "images.npz").symlink_to(outside / "mine")
    WRITERS["resume"](folder)
    WRITERS["export"](folder)
    assert (folder / "exports" / "csv" / "trials.csv").is_file()


def test_a_pipe_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "trials").mkdir()
    os.mkfifo(tmp_path / "trials" / "metrics.jsonl")
    with pytest.raises(UserError, match=r"metrics\.jsonl is neither a file nor a folder"):
        check_own_files(tmp_path, STUDY_NAMES)
    assert list(strange_files(tmp_path, ["logs", "nothing"])) == []


@pytest.mark.parametrize("name", ["lock", "lock.owner", DRAFT_NAME])
def test_no_study_begins_over_a_link(tmp_path: Path, outside: Path, name: str) -> None:
    folder = tmp_path / "study"
    folder.mkdir()
    (folder / name).symlink_to(outside / "mine")
    with pytest.raises(UserError, match=f"{name} is a symbolic link"):
        check_vacant(folder)
    with pytest.raises(UserError, match=f"{name} is a symbolic link"):
        launch_study(
            CONSOLE, "quickstart", folder, [], submit=False, cluster=None, consent=NOTHING_SAID
        )
    assert (outside / "mine").stat().st_size == 20 << 20


def test_no_study_of_a_grid_goes_through_a_link(tmp_path: Path, outside: Path) -> None:
    grid = load_grid("paper")
    assert grid is not None
    member = tmp_path / grid.members[0].name
    member.symlink_to(outside)
    (tmp_path / "grid.yaml").write_text(dump_yaml(dict(grid.document)))
    with pytest.raises(UserError, match=f"{member.name} is a symbolic link"):
        check_folder(tmp_path, grid)


@pytest.mark.parametrize("name", ["lock", JOURNAL_NAME])
def test_files_of_a_study_are_opened_through_no_link(tmp_path: Path, name: str) -> None:
    """Also where nobody has looked before, as from Python."""
    folder = tmp_path / "study"
    new_study(folder).close()
    (folder / name).rename(tmp_path / "moved")
    (folder / name).symlink_to(tmp_path / "moved")
    with pytest.raises(StudyUnwritable, match="symbolic link"):
        Study.open(folder)
