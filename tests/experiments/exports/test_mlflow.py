"""`oneshot-hpo export --to mlflow` and `track: mlflow`, read back by MLflow's own client."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.made_study import new_study, result_of, write_search
from support.study_commands import called, refused, run, told
from support.waiting import wait_until

from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.experiments.study.tracking import Tracker
from oneshot_hpo.hpo import Study, Trial

mlflow = pytest.importorskip("mlflow", reason="needs the extra mlflow")
pytest.importorskip("sqlalchemy", reason="needs the extra mlflow")

from oneshot_hpo.experiments.exports.mlflow import (
    DATABASE,
    SENT,
    STUDY,
    TRIAL,
    MlflowRuns,
    TrackerAway,
)

NOBODY = "http://127.0.0.1:1"
"""An address at which nothing answers."""


@pytest.fixture(autouse=True)
def _own_settings(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """MLflow reports to nobody, and gives up at once."""
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return iter([None])


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database of MLflow, which takes a while to make. Not to be changed."""
    path = tmp_path_factory.mktemp("mlflow") / "empty.db"
    mlflow.MlflowClient(tracking_uri=f"sqlite:///{path}").search_experiments()
    return path


def study_with(database: Path, folder: Path) -> Study:
    """A new study with its own copy of a database."""
    study = new_study(folder)
    (folder / DATABASE).parent.mkdir(parents=True)
    shutil.copyfile(database, folder / DATABASE)
    return study


def tell(study: Study, folder: Path, *, crashed: bool = False) -> Trial:
    """Run a trial with epochs."""
    trial = study.ask()
    assert trial is not None
    write_search(folder, trial, crashed)
    study.tell(trial, result_of(trial, study.times.created + 10 * trial.seq, crashed))
    return trial


def runs_of(address: str, name: str = "quickstart") -> dict[str, Any]:
    """MLflow's runs of a study, by trial's key."""
    client = mlflow.MlflowClient(tracking_uri=address)
    experiment = client.get_experiment_by_name(name)
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id], max_results=1000)
    found = {run.data.tags[TRIAL]: run for run in runs}
    assert len(found) == len(runs), "a run is there twice"
    return found


def history(address: str, run: Any, key: str) -> list[tuple[int, float]]:
    """Steps and values of a metric, every one that was recorded."""
    client = mlflow.MlflowClient(tracking_uri=address)
    found = client.get_metric_history(run.info.run_id, key)
    return sorted((metric.step, metric.value) for metric in found)


def address_of(folder: Path) -> str:
    return f"sqlite:///{folder / DATABASE}"


@pytest.mark.slow
def test_a_study_is_a_run_and_its_trials_are_runs_in_it(tmp_path: Path) -> None:
    with new_study(tmp_path) as study:
        first, second = tell(study, tmp_path), tell(study, tmp_path)
        crashed = tell(study, tmp_path, crashed=True)
        pending = study.ask()
        assert pending is not None
        ended = called("export", tmp_path, "--to", "mlflow")
        assert (ended.returncode, ended.stderr) == (0, "")
    address = address_of(tmp_path)
    assert ended.stdout.startswith(
        f"{address}: 3 of {study.total_evaluations} evaluations, 1 of them crashed\n"
    )
    assert f"mlflow ui --backend-store-uri {address}" in ended.stdout

    runs = runs_of(address)
    assert set(runs) == {"", first.key, second.key, crashed.key, pending.key}
    parent = runs[""]
    assert parent.data.params["searcher"] == study.header["specification"]["searcher"]
    assert parent.data.params["search.channels"]
    assert (parent.info.status, parent.data.tags["state"]) == ("RUNNING", "running")
    losses = [result.loss for _, result in study.evaluations if result.loss is not None]
    best = losses[0]  # the default's, the only one at the largest budget
    assert history(address, parent, "incumbent/loss") == [(1, best), (2, best), (3, best)]

    for trial, result in study.evaluations:
        one = runs[trial.key]
        assert one.data.tags["mlflow.parentRunId"] == parent.info.run_id
        wanted = {"budget": trial.budget} | trial.config
        assert one.data.params == {key: str(value) for key, value in wanted.items()}
        assert one.data.tags["seed"] == str(trial.seed)
        assert one.data.tags["ending"] == ("crashed" if result.crashed else "finished")
        assert one.info.status == ("FAILED" if result.crashed else "FINISHED")
        epochs = OpenedStudy(tmp_path).epochs(trial)
        errors = [(record["epoch"], record["valid_error"]) for record in epochs]
        assert history(address, one, "one_shot/valid_error") == errors
        if not result.crashed:
            assert one.data.metrics["loss"] == result.loss
            assert one.data.metrics["table/test_error"] == result.info["test_error"]
    assert runs[crashed.key].data.tags["exception"].startswith("SearchDiverged: ")
    places = [(runs[t.key].data.tags["bracket"], runs[t.key].data.tags["rung"]) for t in (second,)]
    assert places == [("0", "0")]
    assert runs[first.key].data.tags["bracket"] == "none"  # the default
    assert runs[pending.key].info.status == "RUNNING"


@pytest.mark.slow
def test_each_time_only_what_is_new_is_sent(tmp_path: Path, database: Path) -> None:
    address = address_of(tmp_path)
    with study_with(database, tmp_path) as study:
        tell(study, tmp_path)
        running = study.ask()
        assert running is not None
        write_search(tmp_path, running, crashed=True)  # its first epoch
        MlflowRuns(tmp_path).bring_up_to_date(OpenedStudy(tmp_path))
        before = runs_of(address)
        assert len(history(address, before[running.key], "train/loss")) == 1

        write_search(tmp_path, running, crashed=False)
        study.tell(running, result_of(running, study.times.created, crashed=False))
        new = tell(study, tmp_path)
        for _ in range(2):  # the second time there is nothing to send
            MlflowRuns(tmp_path).bring_up_to_date(OpenedStudy(tmp_path))
    after = runs_of(address)
    assert set(after) == {*before, new.key}
    assert {key: run.info.run_id for key, run in after.items() if key in before} == {
        key: run.info.run_id for key, run in before.items()
    }
    steps = [step for step, _ in history(address, after[running.key], "train/loss")]
    assert steps == list(range(1, int(running.budget) + 1))
    assert [step for step, _ in history(address, after[""], "incumbent/loss")] == [1, 2, 3]


@pytest.mark.slow
def test_a_crash_that_is_run_again_goes_on_in_its_run(tmp_path: Path, database: Path) -> None:
    address = address_of(tmp_path)
    with study_with(database, tmp_path) as study:
        tell(study, tmp_path)
        crashed = tell(study, tmp_path, crashed=True)
        runs = MlflowRuns(tmp_path)
        runs.bring_up_to_date(OpenedStudy(tmp_path))
        assert runs_of(address)[crashed.key].info.status == "FAILED"
        again = study.retry_crash(crashed)
        runs.bring_up_to_date(OpenedStudy(tmp_path))
        assert runs_of(address)[crashed.key].info.status == "RUNNING"
        write_search(tmp_path, again, crashed=False)
        study.tell(again, result_of(again, study.times.created, crashed=False))
        runs.bring_up_to_date(OpenedStudy(tmp_path))
    found = runs_of(address)[crashed.key]
    assert (found.info.status, found.data.tags["ending"]) == ("FINISHED", "finished")
    assert len(history(address, found, "train/loss")) == crashed.budget


@pytest.mark.slow
def test_what_was_sent_twice_is_there_once(tmp_path: Path, database: Path) -> None:
    address = address_of(tmp_path)
    with study_with(database, tmp_path) as study:
        trial = tell(study, tmp_path)
        MlflowRuns(tmp_path).bring_up_to_date(OpenedStudy(tmp_path))
        before = runs_of(address)[trial.key]
        client = mlflow.MlflowClient(tracking_uri=address)
        client.set_tag(before.info.run_id, SENT, "")  # as after a kill before the last request
        MlflowRuns(tmp_path).bring_up_to_date(OpenedStudy(tmp_path))
    for key in before.data.metrics:
        assert history(address, before, key) == sorted(set(history(address, before, key)))


@pytest.mark.slow
def test_two_studies_of_one_name_share_an_experiment(tmp_path: Path, database: Path) -> None:
    address = f"sqlite:///{shutil.copyfile(database, tmp_path / 'both.db')}"
    for name in ("one", "two"):
        with new_study(tmp_path / name) as study:
            tell(study, tmp_path / name)
        ended = called("export", tmp_path / name, "--to", "mlflow", "--tracking", address)
        assert ended.returncode == 0, ended.stderr
    client = mlflow.MlflowClient(tracking_uri=address)
    [experiment] = [one for one in client.search_experiments() if one.name == "quickstart"]
    runs = client.search_runs([experiment.experiment_id])
    identities = {OpenedStudy(tmp_path / name).identity for name in ("one", "two")}
    assert {run.data.tags[STUDY] for run in runs} == identities
    assert len(runs) == 4
    assert not (tmp_path / "one" / DATABASE).exists()


def test_an_address_that_does_not_answer_is_one_line(tmp_path: Path) -> None:
    with new_study(tmp_path) as study:
        tell(study, tmp_path)
    address = NOBODY.replace("//", "//user:secret@")
    ended = called("export", tmp_path, "--to", "mlflow", "--tracking", address)
    assert (ended.returncode, ended.stdout) == (1, "")
    [line] = ended.stderr.splitlines()
    assert line.startswith(f"error: MLflow at {NOBODY} does not take it: ")
    assert "secret" not in line


@pytest.mark.slow
def test_what_cannot_be_meant_is_refused(tmp_path: Path) -> None:
    with new_study(tmp_path / "study") as study:
        assert "no trial has finished yet" in refused(
            "export", tmp_path / "study", "--to", "mlflow"
        )
        tell(study, tmp_path / "study")
    words = ["export", tmp_path / "study", "--to"]
    assert "--tracking is for mlflow" in refused(*words, "csv", "--tracking", NOBODY)
    assert "are not for mlflow" in refused(*words, "mlflow", "--out", tmp_path / "out")
    database = tmp_path / "study" / DATABASE
    database.parent.mkdir(parents=True)
    database.symlink_to(tmp_path / "elsewhere.db")
    assert f"{database} is a symbolic link" in refused(*words, "mlflow")
    assert not (tmp_path / "elsewhere.db").exists()


@pytest.mark.slow
def test_a_deleted_experiment_is_not_filled(tmp_path: Path, database: Path) -> None:
    with new_study(tmp_path) as study:
        tell(study, tmp_path)
    address = f"sqlite:///{shutil.copyfile(database, tmp_path / 'mlflow.db')}"
    client = mlflow.MlflowClient(tracking_uri=address)
    client.delete_experiment(client.create_experiment("quickstart"))
    words = refused("export", tmp_path, "--to", "mlflow", "--tracking", address)
    assert "the experiment quickstart of sqlite:" in words
    assert "was deleted: restore it" in words


@pytest.mark.slow
def test_results_are_sent_while_the_study_runs(tmp_path: Path) -> None:
    address = address_of(tmp_path)
    with new_study(tmp_path) as study:
        tracker = Tracker(tmp_path, "mlflow")
        first = tell(study, tmp_path)
        tracker.results_came()
        wait_until((tmp_path / DATABASE).exists)
        second = tell(study, tmp_path)
        tracker.results_came()
        tracker.close(seconds=600)
        assert tracker.complaint() is None
    assert set(runs_of(address)) == {"", first.key, second.key}


@pytest.mark.slow
def test_a_tracker_that_is_away_is_said_once(
    tmp_path: Path, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", NOBODY)
    with study_with(database, tmp_path) as study:
        tracker = Tracker(tmp_path, "mlflow")
        said = []
        for _ in range(2):
            tell(study, tmp_path)
            tracker.results_came()
        tracker.close(seconds=600)
        for _ in range(2):
            said.append(tracker.complaint())
    assert said[1] is None
    assert said[0] is not None
    assert said[0].startswith(f"note: MLflow at {NOBODY} does not take it: ")
    assert said[0].endswith(f"oneshot-hpo export {tmp_path} --to mlflow sends what is missing then")

    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    MlflowRuns(tmp_path).bring_up_to_date(OpenedStudy(tmp_path))
    assert len(runs_of(address_of(tmp_path))) == 3


@pytest.mark.slow
def test_runs_that_were_not_taken_are_looked_up_again(tmp_path: Path, database: Path) -> None:
    with study_with(database, tmp_path) as study:
        trial = tell(study, tmp_path)
    runs = MlflowRuns(tmp_path)
    runs.bring_up_to_date(OpenedStudy(tmp_path))
    (tmp_path / DATABASE).rename(tmp_path / "away.db")
    with Study.open(tmp_path) as study:
        tell(study, tmp_path)
    with pytest.raises(TrackerAway):
        runs.bring_up_to_date(OpenedStudy(tmp_path))
    (tmp_path / "away.db").replace(tmp_path / DATABASE)
    runs.bring_up_to_date(OpenedStudy(tmp_path))
    assert {"", trial.key} < set(runs_of(address_of(tmp_path)))


@pytest.mark.slow
@pytest.mark.parametrize("is_away", [False, True])
def test_a_whole_study_is_tracked_and_an_absent_tracker_costs_no_result(
    tiny_study: Path,
    finished_study: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    is_away: bool,
) -> None:
    folder = tmp_path / "study"
    if is_away:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", NOBODY)
    options = ["--dir", folder, "--workers", 1, "--set", "track=mlflow"]
    ended = run("launch", tiny_study, *options)
    assert ended.returncode == 0, ended.stderr
    assert told(folder) == told(finished_study)
    assert ended.stdout.count("note: MLflow at ") == is_away
    assert (folder / DATABASE).exists() is not is_away
    if not is_away:
        runs = runs_of(address_of(folder), OpenedStudy(folder).name)
        keys = {trial.key for trial, _ in OpenedStudy(folder).view.evaluations}
        assert set(runs) == {"", *keys}
        assert {run.info.status for run in runs.values()} == {"FINISHED"}


def test_a_study_file_cannot_name_another_tracker(tmp_path: Path) -> None:
    words = refused("launch", "quickstart", "--dir", tmp_path / "s", "--set", "track=http://a.b")
    assert "key 'track' must be mlflow" in words
    assert not (tmp_path / "s").exists()
