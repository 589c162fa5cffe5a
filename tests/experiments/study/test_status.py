"""Studies seen from outside: a copy of one that runs is another study."""

import os
import shutil
from pathlib import Path

import pytest
from rich.console import Console
from support.made_study import new_study

from oneshot_hpo.experiments.errors import StudyStopped
from oneshot_hpo.experiments.study.launching import resume_study
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.experiments.study.status import stop_study
from oneshot_hpo.hpo import Study

CONSOLE = Console(quiet=True)


def test_a_copy_of_a_running_study_is_not_running_and_stopping_it_ends_nothing(
    tmp_path: Path,
) -> None:
    with new_study(tmp_path / "study") as study:
        study.ask()
        shutil.copytree(tmp_path / "study", tmp_path / "copy")
        assert OpenedStudy(tmp_path / "study").has_master
        assert not OpenedStudy(tmp_path / "copy").has_master
        stop_study(CONSOLE, tmp_path / "copy")  # this process is the master, and lives
        with Study.open(tmp_path / "copy") as copy:
            copy.ask()
        study.ask()


def test_what_may_be_a_master_is_named_and_left_alone(tmp_path: Path) -> None:
    with new_study(tmp_path / "study"):
        (tmp_path / "study" / "lock").unlink()
        with pytest.raises(StudyStopped, match=f"end it with kill {os.getpid()}"):
            stop_study(CONSOLE, tmp_path / "study")


@pytest.mark.parametrize(
    ("beside", "words"), [("trials", "restore a copy of the file"), (None, "no trial has run")]
)
def test_an_empty_journal_does_not_say_what_is_not_so(
    tmp_path: Path, beside: str | None, words: str
) -> None:
    folder = tmp_path / "study"
    folder.mkdir()
    (folder / "journal.jsonl").touch()
    if beside is not None:
        (folder / beside).mkdir()
    with pytest.raises(ValueError, match=words):
        resume_study(CONSOLE, folder, None, [], submit=False, as_job=False, cluster=None)
