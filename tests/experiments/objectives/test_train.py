"""A found architecture trained from scratch: its numbers, and a training that is stopped."""

import dataclasses
import json
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits

from oneshot_hpo.cluster.stopping import TaskStopped, allow_tasks, ask_to_stop
from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.experiments.objectives.objective import (
    Found,
    NoLoss,
    ObjectiveStopped,
    objective_of,
)
from oneshot_hpo.experiments.objectives.table_outcome import table_outcome
from oneshot_hpo.experiments.study.outcome import Outcome
from oneshot_hpo.experiments.study.trial import TrialTask, run_trial
from oneshot_hpo.hpo import TrialResult
from oneshot_hpo.search_spaces import get_space, load_table
from oneshot_hpo.searchers import SearchSettings
from oneshot_hpo.searchers.checkpoint import read_metrics

SMALL = {"epochs": 2, "channels": 2, "stacks": 2, "batch_size": 32}
SETTINGS = SearchSettings(channels=2, stacks=2, cells_per_stack=1, batch_size=32, cutout_length=4)


def trained(**changes: Any) -> dict[str, Any]:
    return {"train": {**SMALL, **changes}}


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A data set of 150 digits: 3 steps an epoch, of the search and of a training."""
    digits = load_digits()
    path = tmp_path_factory.mktemp("few") / "few.npz"
    np.savez(path, images=digits.images[:150], labels=digits.target[:150])
    return str(path)


def found_in(dataset: str, space_name: str | int = 1, **changes: Any) -> Found:
    space = get_space(space_name)
    architecture = space.sample(np.random.default_rng(3))
    whole: dict[str, Any] = {"table": None, "dataset": dataset, **changes}
    return Found(space=space, architecture=architecture, **whole)


def evaluate(
    section: dict[str, Any], found: Found, stop_asked: Callable[[], bool] = lambda: False
) -> Outcome:
    return objective_of(section).evaluate(found, 7, stop_asked)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["darts", 1, "nasbench201"])
def test_without_a_table_the_errors_are_the_trainings_and_there_is_no_regret(
    few: str, name: str | int
) -> None:
    found = found_in(few, name)
    outcome = evaluate(trained(seeds=2, epochs=1), found)
    assert outcome.trained is not None
    pairs = zip(outcome.trained["valid_error"], outcome.trained["test_error"], strict=True)
    assert len(set(pairs)) == 2
    assert outcome.loss == outcome.valid == statistics.fmean(outcome.trained["valid_error"])
    assert outcome.test == statistics.fmean(outcome.trained["test_error"]) != outcome.valid
    assert outcome.regret is outcome.valid_regret is outcome.percentile is None
    assert outcome.document == found.space.to_document(found.architecture)

    info = outcome.to_info()
    assert not {"valid_regret", "test_regret", "percentile"} & info.keys()
    assert Outcome.from_result(TrialResult(outcome.loss, json.loads(json.dumps(info)))) == outcome


def test_with_a_table_its_numbers_stay_beside_the_loss() -> None:
    found = found_in("digits", table="digits")
    outcome = evaluate(trained(epochs=1, batch_size=256), found)
    known = table_outcome("digits", found.space, found.architecture)
    assert outcome.trained is not None
    assert outcome.loss == outcome.trained["valid_error"][0] != known.loss
    again = {"loss": known.loss, "objective": None, "trained": None}
    assert dataclasses.replace(outcome, **again) == known


def test_more_seeds_keep_the_first_ones(few: str) -> None:
    found = found_in(few)
    one, two = (evaluate(trained(seeds=seeds), found).trained for seeds in (1, 2))
    assert one is not None and two is not None
    assert two["valid_error"][:1] == one["valid_error"]


class Killed(BaseException):
    """A worker that dies."""


@pytest.mark.slow
def test_a_training_that_is_stopped_or_killed_continues_to_the_same_bits(
    few: str, tmp_path: Path
) -> None:
    section = trained(seeds=2)
    undisturbed = evaluate(section, found_in(few, folder=tmp_path / "whole"))
    rows = read_metrics(tmp_path / "whole")
    lines: list[str] = []

    def kill(line: str) -> None:
        lines.append(line)
        raise Killed

    disturbed = tmp_path / "disturbed"
    for step in (1, 2):  # in the middle of an epoch
        with pytest.raises(ObjectiveStopped, match=f"stopped after step {step} of epoch 1"):
            evaluate(section, found_in(few, folder=disturbed), lambda: True)
    for _ in range(4):  # after each epoch
        with pytest.raises(Killed):
            evaluate(section, found_in(few, folder=disturbed, say=kill))
    assert evaluate(section, found_in(few, folder=disturbed)) == undisturbed
    assert lines[2] == "training from scratch, seed 2/2, epoch 1/2"

    without_time = [row | {"time": 0} for row in read_metrics(disturbed)]
    assert without_time == [row | {"time": 0} for row in rows]


def test_a_training_that_diverges_is_no_loss(few: str) -> None:
    with pytest.raises(NoLoss, match="the training from scratch diverged in epoch 1: its loss is"):
        evaluate(trained(learning_rate=1e30), found_in(few))


@pytest.fixture
def task(few: str, tmp_path: Path) -> TrialTask:
    return TrialTask(
        searcher="darts",
        settings=dataclasses.asdict(SETTINGS),
        config={},
        space=1,
        dataset=few,
        table=None,
        budget=1,
        seed=5,
        objective=trained(epochs=1),
        folder=tmp_path / "0-0-0" / "1",
    )


@pytest.mark.slow
def test_a_worker_that_has_to_leave_continues_the_training(task: TrialTask) -> None:
    assert task.folder is not None
    whole = run_trial(dataclasses.replace(task, folder=task.folder / "undisturbed"))
    searched = len(read_metrics(task.folder / "undisturbed"))
    assert searched == 1
    ask_to_stop()
    try:
        places = set()
        for _ in range(20):
            with pytest.raises(TaskStopped) as stopped:
                run_trial(task)
            places.add(str(stopped.value).partition("stopped")[0])
            if any("training" in place for place in places):
                break
    finally:
        allow_tasks()
    assert len(places) == 2, "in the search, then in the training"
    result = run_trial(task)
    assert (result["loss"], result["info"]) == (whole["loss"], whole["info"])
    times = result["timestamps"]
    assert times["objective_seconds"] > 0 and times["search_seconds"] > 0
    assert not list(task.folder.rglob("checkpoint*"))


def test_a_training_that_diverges_is_data(task: TrialTask) -> None:
    result = run_trial(dataclasses.replace(task, objective=trained(learning_rate=1e30)))
    assert result["loss"] is None and result["info"] == {"state": "CRASHED"}
    assert result["exception"].startswith("NoLoss: the training from scratch diverged")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"epochs": 0}, "objective train: epochs must be a whole number from 1"),
        ({"seeds": 1.5}, "objective train: seeds must be a whole number from 1"),
        ({"learning_rate": -1}, "objective train: learning_rate must be a number above 0"),
        ({"epoch": 3}, "unknown key 'epoch' in section objective.train: did you mean epochs"),
    ],
)
def test_bad_settings_are_refused_in_a_line(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError, match=words):
        objective_of({"train": settings})


def test_a_space_without_networks_is_refused() -> None:
    space = get_space("transnas-micro")
    with pytest.raises(UserError, match=r"objective train: .* cannot be trained from scratch here"):
        objective_of("train").check(space, None)
    objective_of("train").check(get_space("darts"), None)
    with pytest.raises(UserError, match="the study has no table: name one"):
        objective_of("mean").check(space, None)
    objective_of("mean").check(get_space(1), load_table("digits"))
