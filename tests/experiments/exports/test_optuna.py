"""Optuna and optuna-dashboard on what we write."""

import json
import socket
import subprocess
import sys
import time
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
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState
from support.exported_study import new_study, result_of, warm_started
from support.processes import running
from support.waiting import HANG_SECONDS, wait_until

from oneshot_hpo.experiments.cli.exports import export
from oneshot_hpo.experiments.exports.evaluations import exported_study
from oneshot_hpo.experiments.exports.optuna import STORAGE, distributions, write
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.hpo import StudyView, Trial, TrialResult


@pytest.fixture(scope="module")
def storage(told: OpenedStudy, tmp_path_factory: pytest.TempPathFactory) -> Path:
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
    storage: Path, told: OpenedStudy, view: StudyView
) -> None:
    trials = {trial.user_attrs["id"]: trial for trial in load(storage).trials}
    states = []
    for name in {trial.key.split("/")[0] for trial, _ in told.trials}:
        exported = trials.pop(name)
        runs = [pair for pair in told.trials if pair[0].key.split("/")[0] == name]
        assert exported.params == runs[0][0].config
        if exported.state == TrialState.PRUNED:  # as Optuna's own `tell` has it
            assert exported.value == exported.intermediate_values[exported.last_step]
        assert exported.intermediate_values == {
            trial.budget: result.loss for trial, result in runs if result and not result.crashed
        }
        trial, result = runs[-1]
        if result is None:
            expected = TrialState.RUNNING
        elif result.crashed:
            expected = TrialState.FAIL
            assert exported.user_attrs["exception"] == result.exception
        elif trial.budget == 4:
            expected = TrialState.COMPLETE
        else:
            (above,) = (r for r in view.brackets[trial.id[0]].rungs if r.budget == trial.budget * 2)
            expected = TrialState.PRUNED if above.started == above.planned else TrialState.RUNNING
        assert exported.state == expected
        if result is not None and expected != TrialState.RUNNING:
            finished = told.trial_times(trial, result)["finished"]
            assert exported.datetime_complete == datetime.fromtimestamp(finished)
        states.append(expected)
    assert not trials
    assert set(states) == set(TrialState) - {TrialState.WAITING}


def growing(folder: Path, exports: int) -> Iterator[bool]:
    """Run a study to its end with `exports` exports on the way; yields whether it has finished."""
    clock = time.time()
    with new_study(folder, iterations=4) as study:
        running: list[Trial] = []
        total = study.total_evaluations
        while not study.finished:
            while len(running) < 4 and (trial := study.ask()) is not None:
                running.append(trial)
            clock += 10
            trial = running.pop(len(study.evaluations) % len(running))
            study.tell(trial, result_of(trial, clock))
            if len(study.evaluations) % (total // exports) == 0 or study.finished:
                export([folder], "optuna")
                yield study.finished


def shown(trials: list[optuna.trial.FrozenTrial]) -> dict[str, Any]:
    """All that Optuna says of each configuration, but for its place in the file."""
    return {
        trial.user_attrs["id"]: (
            trial.state,
            trial.values,
            trial.params,
            trial.intermediate_values,
            trial.user_attrs,
            trial.datetime_start,
            trial.datetime_complete,
        )
        for trial in trials
    }


@pytest.mark.slow
def test_a_reader_that_is_open_sees_every_export(tmp_path: Path) -> None:
    """The file grows at its end alone, and says what a new one would say."""
    folder = tmp_path / "study"
    storage = folder / "exports" / "optuna" / STORAGE
    reader, before, states, has_ended = None, b"", set(), False
    for has_ended in growing(folder, exports=8):  # noqa: B007 - the last one is looked at
        content = storage.read_bytes()
        assert content.startswith(before)
        before = content
        reader = reader or load(storage)
        new = tmp_path / str(len(content))
        new.mkdir()
        write(exported_study(folder), new)
        fresh = shown(load(new / STORAGE).trials)
        assert shown(reader.trials) == shown(load(storage).trials) == fresh
        assert reader._study_id == load(storage)._study_id
        states |= {trial.state for trial in reader.trials}
        incumbent = exported_study(folder).view.incumbent
        if incumbent is not None and incumbent[0].budget == 4:
            assert reader.best_params == incumbent[0].config
    assert has_ended
    assert states == set(TrialState) - {TrialState.WAITING}
    assert TrialState.RUNNING not in {trial.state for trial in load(storage).trials}
    export([folder], "optuna")
    assert storage.read_bytes() == before


def test_equal_losses_have_the_same_best(tmp_path: Path) -> None:
    """The first result counts, although a later trial was submitted before it."""
    with new_study(tmp_path / "study", min_budget=4, iterations=3) as study:
        trials = [study.ask() for _ in range(4)]
        for trial in reversed(trials):
            assert trial is not None
            study.tell(trial, TrialResult(0.25))
    write(exported_study(tmp_path / "study"), tmp_path)
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


@pytest.mark.slow
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


@pytest.mark.slow
def test_optuna_dashboard_stays_open_while_the_export_is_brought_up_to_date(tmp_path: Path) -> None:
    """Every answer is a page, and in the end (it looks again now and then) the newest one."""
    folder = tmp_path / "study"
    storage = folder / "exports" / "optuna" / STORAGE
    exports = growing(folder, exports=3)
    next(exports)
    with dashboard(storage) as address:
        page = f"{address}/api/studies/0"
        fetch(page)
        for _ in exports:
            wanted = [(t.number, t.state.name.capitalize()) for t in load(storage).trials]

            def is_shown(wanted: list[tuple[int, str]] = wanted) -> bool:
                trials = json.loads(fetch(page))["trials"]
                return [(trial["number"], trial["state"]) for trial in trials] == wanted

            wait_until(is_shown)
    assert {state for _, state in wanted} == {"Complete", "Pruned", "Fail"}


def test_what_a_warm_started_study_began_with_comes_first(tmp_path: Path) -> None:
    write(exported_study(warm_started(tmp_path / "study")), tmp_path)
    exported = load(tmp_path / STORAGE).trials
    assert [(t.user_attrs["id"], t.state, t.value, t.intermediate_values) for t in exported] == [
        ("prior-0", TrialState.PRUNED, 0.5, {1: 0.5}),
        ("prior-1", TrialState.COMPLETE, 0.25, {1: 0.75, 4: 0.25}),
        ("prior-2", TrialState.FAIL, None, {}),
        ("baseline", TrialState.COMPLETE, 0.375, {4: 0.375}),
    ]
    assert [trial.user_attrs.get("prior", False) for trial in exported] == [True] * 3 + [False]
