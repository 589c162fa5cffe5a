"""Optuna and optuna-dashboard on what we write."""

import json
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import optuna
import pytest
from ConfigSpace import CategoricalHyperparameter, ConfigurationSpace, Constant, Integer
from ConfigSpace.hyperparameters import OrdinalHyperparameter
from exported_study import new_study
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState
from processes import running
from waiting import HANG_SECONDS, wait_until

from experiments.exports.evaluations import ExportedStudy
from experiments.exports.optuna import STORAGE, distributions, write
from hpo import StudyView, TrialResult


@pytest.fixture(scope="module")
def storage(told: ExportedStudy, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("optuna")
    write(told, folder)
    return folder / STORAGE


def load(storage: Path) -> optuna.Study:
    return optuna.load_study(
        study_name=None, storage=JournalStorage(JournalFileBackend(str(storage)))
    )


def test_the_best_trial_is_the_incumbent(storage: Path, view: StudyView) -> None:
    study = load(storage)
    assert study.study_name == "told"
    assert view.incumbent is not None
    trial, result = view.incumbent
    assert (study.best_value, study.best_params) == (result.loss, trial.config)
    assert study.best_trial.user_attrs["id"] == trial.key.split("/")[0]
    assert study.best_trial.user_attrs["test_error"] == result.info["test_error"]


def test_each_configuration_is_a_trial_and_each_budget_a_step(
    storage: Path, told: ExportedStudy, view: StudyView
) -> None:
    trials = {trial.user_attrs["id"]: trial for trial in load(storage).trials}
    states = []
    for name in {trial.key.split("/")[0] for trial, _ in told.trials}:
        exported = trials.pop(name)
        runs = [pair for pair in told.trials if pair[0].key.split("/")[0] == name]
        assert exported.params == runs[0][0].config
        assert exported.intermediate_values == {
            trial.budget: result.loss for trial, result in runs if result and not result.crashed
        }
        trial, result = runs[-1]
        if result is None:
            expected = TrialState.RUNNING
        elif result.crashed:
            expected = TrialState.FAIL
            assert exported.user_attrs["exception"] == result.exception
        else:
            expected = TrialState.COMPLETE if trial.budget == 4 else TrialState.PRUNED
        assert exported.state == expected
        if result is not None:
            finished = told.times(trial, result)["finished"]
            assert exported.datetime_complete == datetime.fromtimestamp(finished)
        states.append(expected)
    assert not trials
    assert set(states) == set(TrialState) - {TrialState.WAITING}


def test_equal_losses_have_the_same_best(tmp_path: Path) -> None:
    """What was told first, though a later one was asked for before it."""
    with new_study(tmp_path / "study", min_budget=4, iterations=3) as study:
        trials = [study.ask() for _ in range(4)]
        for trial in reversed(trials):
            assert trial is not None
            study.tell(trial, TrialResult(0.25))
    write(ExportedStudy(tmp_path / "study"), tmp_path)
    assert trials[-1] is not None
    assert load(tmp_path / STORAGE).best_params == trials[-1].config


def test_each_kind_of_hyperparameter_has_its_distribution() -> None:
    space = ConfigurationSpace({"momentum": (0.0, 0.99)})
    space.add(
        Integer("batch_size", (16, 128), log=True),
        CategoricalHyperparameter("optimizer", ["sgd", "adam"]),
        OrdinalHyperparameter("width", [8, 16]),
        Constant("depth", 3),
    )
    assert distributions(space) == {
        "batch_size": IntDistribution(16, 128, log=True),
        "depth": CategoricalDistribution([3]),
        "momentum": FloatDistribution(0.0, 0.99),
        "optimizer": CategoricalDistribution(["sgd", "adam"]),
        "width": CategoricalDistribution([8, 16]),
    }


@contextmanager
def dashboard(storage: Path) -> Iterator[str]:
    """The address of an optuna-dashboard of a storage."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [str(Path(sys.executable).with_name("optuna-dashboard")), str(storage)]
    with running([*command, "--port", port], stderr=subprocess.DEVNULL) as process:
        wait_until(lambda: listens(port), process)
        yield f"http://127.0.0.1:{port}"


def listens(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


def fetch(address: str) -> bytes:
    with urllib.request.urlopen(address, timeout=HANG_SECONDS) as answer:
        content: bytes = answer.read()
        return content


def test_optuna_dashboard_shows_the_study(storage: Path, view: StudyView) -> None:
    with dashboard(storage) as address:
        assert b"<title>Optuna Dashboard</title>" in fetch(f"{address}/dashboard")
        (study,) = json.loads(fetch(f"{address}/api/studies"))["study_summaries"]
        assert study["study_name"] == "told"
        shown: dict[str, Any] = json.loads(fetch(f"{address}/api/studies/{study['study_id']}"))
    assert view.incumbent is not None
    (best,) = shown["best_trials"]
    assert best["values"] == [view.incumbent[1].loss]
    configurations = {trial.id for trial, _ in view.evaluations} | {t.id for t in view.pending}
    assert len(shown["trials"]) == len(configurations)
