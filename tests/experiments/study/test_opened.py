"""The one reader of a study's folder: finished, running and crashed studies."""

import hashlib
import json
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from support.made_study import SECONDS, confirm, new_study, result_of, run_study, write_search

from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.experiments.study.opened import OpenedStudy, open_if_there
from oneshot_hpo.hpo import TrialResult
from oneshot_hpo.hpo.journal.file import read_journal


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """43 evaluations, some crashed, and a confirmation with 2 seeds. Not to be changed."""
    folder = run_study(tmp_path_factory.mktemp("opened") / "finished", "seed=2", workers=3)
    confirm(folder, 2)
    return folder


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """3 evaluations, 2 trials on workers, one of them lost a worker; nobody works on it."""
    folder = tmp_path_factory.mktemp("opened") / "running"
    with new_study(folder) as study:
        for _ in range(3):
            trial = study.ask()
            assert trial is not None
            write_search(folder, trial, crashed=False)
            study.tell(trial, result_of(trial, time.time(), crashed=False))
        for _ in range(2):
            trial = study.ask()
            assert trial is not None
        study.retry(trial, "worker lost: killed")
    return folder


def lines_of(folder: Path, kind: str) -> list[dict]:
    lines = (folder / "journal.jsonl").read_text().splitlines()
    return [event for line in lines if (event := json.loads(line))["event"] == kind]


def test_what_a_finished_study_is(finished: Path) -> None:
    study = OpenedStudy(finished)
    assert study.state == "finished"
    assert (study.name, study.spec.name) == ("quickstart", "quickstart")
    assert study.transfer is None
    assert study.largest_budget == 12
    first = (finished / "journal.jsonl").read_bytes().splitlines(keepends=True)[0]
    assert study.identity == hashlib.sha256(first).hexdigest()
    assert study.confirmation is not None
    assert study.confirmation.finished
    assert [trial.seq for trial, _ in study.trials] == sorted(
        event["seq"] for event in lines_of(finished, "ask")
    )
    times = [json.loads(line)["time"] for line in (finished / "journal.jsonl").open()]
    assert (study.times.created, study.times.first) == tuple(times[:2])
    assert study.times.latest == max(times)


def test_a_study_is_running_while_its_master_holds_it(tmp_path: Path) -> None:
    with new_study(tmp_path / "study") as study:
        trial = study.ask()
        opened = OpenedStudy(tmp_path / "study")
        assert (opened.state, opened.trial_state(None)) == ("running", "running")
        assert opened.confirmation is None
        assert opened.trials == [(trial, None)]
    assert opened.state == "running"  # as it was when it was opened
    opened = OpenedStudy(tmp_path / "study")
    assert (opened.state, opened.trial_state(None)) == ("stopped", "interrupted")


def test_a_folder_without_a_study_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such folder"):
        OpenedStudy(tmp_path / "nowhere")
    with pytest.raises(UserError, match="holds no study"):
        OpenedStudy(tmp_path)
    assert open_if_there(tmp_path) is None


def test_the_journal_is_read_once(finished: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: Counter[str] = Counter()

    def counted(path: Path, *kinds: object) -> object:
        read[path.name] += 1
        return read_journal(path, *kinds)

    for module in ("study_view", "confirmation_view"):
        monkeypatch.setattr(f"oneshot_hpo.hpo.{module}.read_journal", counted)
    study = OpenedStudy(finished)
    assert study.located.dataset == "digits"
    assert study.state == "finished"
    study.trials_frame()
    study.epochs_frame()
    assert study.retries(study.trials[0][0]) == []
    assert read == {"journal.jsonl": 1, "confirmation.jsonl": 1}


def test_the_frame_of_a_finished_study(finished: Path) -> None:
    study = OpenedStudy(finished)
    frame = study.trials_frame()
    told = {(*event["id"], event["budget"]): event for event in lines_of(finished, "tell")}
    assert len(frame) == len(told) == 43
    assert set(frame["state"]) == {"finished", "crashed"}
    for (trial, _), row in zip(study.trials, frame.itertuples(), strict=True):
        event = told[(*trial.id, trial.budget)]
        info = event["info"]
        assert (row.id, row.budget, row.seed) == (trial.key.split("/")[0], trial.budget, trial.seed)
        values = [row.loss, row.valid_error, row.test_error, row.regret, row.percentile]
        keys = ("valid_error", "test_error", "test_regret", "percentile")
        expected = [event["loss"], *(info.get(key) for key in keys)]
        np.testing.assert_equal(values, [np.nan if v is None else v for v in expected])
        assert row.seconds == event["timestamps"]["search_seconds"]
        assert row.finished.timestamp() == pytest.approx(event["timestamps"]["finished"])
        for value, said in (
            (row.exception, event["exception"]),
            (row.architecture, info.get("module_hash")),
        ):
            assert pd.isna(value) if said is None else value == said

    names = [name for name in frame if name.startswith("config.")]
    assert names == [f"config.{name}" for name in study.view.space]
    best = frame[frame["budget"] == 12].sort_values("loss").iloc[0]
    assert study.view.incumbent is not None
    assert best["id"] == study.view.incumbent[0].key.split("/")[0]
    default = frame[frame["id"] == "baseline"].iloc[0]
    assert default["bracket"] == -1
    assert default["rung"] is pd.NA
    promoted = frame[(frame["bracket"] == 0) & (frame["budget"] == 12)]
    assert (promoted["rung"] == frame[frame["bracket"] == 0]["rung"].max()).all()


def test_the_frame_of_a_study_that_stopped_in_the_middle(running: Path) -> None:
    study = OpenedStudy(running)
    frame = study.trials_frame()
    assert list(frame["state"]) == ["finished"] * 3 + ["interrupted"] * 2
    pending = frame[frame["state"] == "interrupted"]
    assert pending[["loss", "seconds", "finished", "started"]].isna().all(axis=None)
    assert pending["submitted"].notna().all()
    assert list(frame["attempts"]) == [1, 1, 1, 1, 2]
    assert study.retries(study.trials[-1][0]) == ["worker lost: killed"]
    assert str(frame["submitted"].dtype) == "datetime64[ns, UTC]"
    assert list(study.epochs_frame()["id"].unique()) == list(frame["id"][:3].unique())


def test_the_frame_of_a_study_in_which_all_crashed(tmp_path: Path) -> None:
    folder = run_study(tmp_path / "study", evaluations=4, all_crash=True)
    study = OpenedStudy(folder)
    frame = study.trials_frame()
    assert Counter(frame["state"]) == {"crashed": 4, "interrupted": 1}
    assert frame["loss"].isna().all()
    assert (frame["exception"][frame["state"] == "crashed"].str.startswith("SearchDiverged")).all()
    assert study.view.incumbent is None
    assert len(study.epochs_frame()) == 5  # each has its first epoch


def test_the_frames_of_a_study_without_trials_have_their_columns(tmp_path: Path) -> None:
    new_study(tmp_path / "study").close()
    study = OpenedStudy(tmp_path / "study")
    assert study.times.first is None
    frame, epochs = study.trials_frame(), study.epochs_frame()
    assert len(frame) == len(epochs) == 0
    assert {"id", "rung", "config.learning_rate", "regret", "submitted"} <= set(frame)
    assert {"id", "epoch", "valid_error", "seconds"} <= set(epochs)


def test_epochs_are_rows(finished: Path) -> None:
    study = OpenedStudy(finished)
    epochs = study.epochs_frame()
    trials = study.trials_frame()
    crashed = trials["state"] == "crashed"
    assert len(epochs) == trials["budget"][~crashed].sum() + crashed.sum()
    assert (epochs["seconds"] == SECONDS).all()
    trial, _ = study.trials[0]
    own = epochs[(epochs["id"] == "baseline")]
    assert list(own["epoch"]) == list(range(1, int(trial.budget) + 1))
    records = study.epochs(trial)
    assert list(own["valid_error"]) == [record["valid_error"] for record in records]


def test_a_damaged_file_of_epochs_is_named(tmp_path: Path) -> None:
    folder = run_study(tmp_path / "study", evaluations=2)
    study = OpenedStudy(folder)
    (study.trial_folder(study.trials[0][0]) / "metrics.jsonl").write_text("{")
    with pytest.raises(UserError, match=r"metrics.jsonl is damaged"):
        study.epochs_frame()


def test_a_result_that_is_not_ours_has_what_it_says(tmp_path: Path) -> None:
    with new_study(tmp_path / "study") as study:
        trial = study.ask()
        assert trial is not None
        study.tell(trial, TrialResult(0.25, {"test_error": "many"}))
    row = OpenedStudy(tmp_path / "study").trials_frame().iloc[0]
    assert (row["loss"], row["state"]) == (0.25, "finished")
    assert np.isnan(row["test_error"])
