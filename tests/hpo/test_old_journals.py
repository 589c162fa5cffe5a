"""This version reads, replays and continues the journals of older versions."""

import shutil
from pathlib import Path

import pytest
from support.toy_study import JOURNALS, drive

from oneshot_hpo import hpo
from oneshot_hpo.hpo.confirmation import Confirmation
from oneshot_hpo.hpo.confirmation_view import CONFIRMATION_NAME
from oneshot_hpo.hpo.journal.file import JOURNAL_NAME


@pytest.mark.parametrize("old", sorted(JOURNALS.glob("format-*.jsonl")), ids=lambda path: path.stem)
def test_a_study_of_an_older_version_resumes(old: Path, tmp_path: Path) -> None:
    shutil.copy(old, tmp_path / JOURNAL_NAME)
    view = hpo.read_study(tmp_path)
    assert (len(view.evaluations), len(view.pending)) == (30, 2)
    assert [trial.attempt for trial in view.pending] == [0, 1]
    with hpo.Study.open(tmp_path) as study:
        assert study.evaluations == view.evaluations
        assert (tmp_path / JOURNAL_NAME).read_bytes() == old.read_bytes()
        drive(study)
        assert study.finished
    again = hpo.read_study(tmp_path)
    assert again.evaluations[:30] == view.evaluations
    assert len(again.evaluations) == again.total_evaluations == 40
    assert (tmp_path / JOURNAL_NAME).read_bytes().startswith(old.read_bytes())
    hpo.Study.open(tmp_path).close()


@pytest.mark.parametrize(
    "old", sorted(JOURNALS.glob("confirmation-format-*.jsonl")), ids=lambda path: path.stem
)
def test_a_confirmation_of_an_older_version_resumes(old: Path, tmp_path: Path) -> None:
    """Four results of six runs, one pending, a retry and a crash."""
    shutil.copy(old, tmp_path / CONFIRMATION_NAME)
    view = hpo.read_confirmation(tmp_path)
    assert (len(view.evaluations), len(view.pending), view.total_evaluations) == (4, 1, 6)
    with Confirmation.open(tmp_path) as confirmation:
        assert confirmation.evaluations == view.evaluations
        while not confirmation.finished:
            run = confirmation.pending[0] if confirmation.pending else confirmation.ask()
            assert run is not None
            confirmation.tell(run, hpo.TrialResult(0.5))
    assert hpo.read_confirmation(tmp_path).evaluations[:4] == view.evaluations
