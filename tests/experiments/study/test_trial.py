import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
import torch

from oneshot_hpo.cluster.stopping import TaskStopped, allow_tasks, ask_to_stop
from oneshot_hpo.cluster.task import TaskFailed
from oneshot_hpo.experiments.objectives.table_outcome import table_outcome
from oneshot_hpo.experiments.study.cell_costs import cell_costs
from oneshot_hpo.experiments.study.outcome import Outcome
from oneshot_hpo.experiments.study.trial import (
    RESULT,
    TrialTask,
    finished_result,
    run_trial,
    search_cell,
)
from oneshot_hpo.hpo import TrialResult
from oneshot_hpo.search_spaces import get_space, load_table
from oneshot_hpo.searchers import SearchSettings, run_search
from oneshot_hpo.searchers.checkpoint import read_metrics
from oneshot_hpo.searchers.data.datasets import load_dataset
from oneshot_hpo.searchers.data.images import DatasetError
from oneshot_hpo.searchers.network.nasbench101.supernet import Supernet
from oneshot_hpo.searchers.schedules import architecture_rate

SETTINGS = SearchSettings(channels=2, stacks=2, cells_per_stack=1, batch_size=128, cutout_length=4)


@pytest.fixture
def task(tmp_path: Path, table_file: str) -> TrialTask:
    return TrialTask(
        searcher="darts",
        settings=dataclasses.asdict(SETTINGS),
        config={"learning_rate": 0.1},
        space=1,
        dataset="digits",
        table=table_file,
        budget=2,
        seed=5,
        folder=tmp_path / "0-0-0" / "2",
    )


def result_of(task: TrialTask) -> dict[str, Any]:
    """What lies in the trial's folder."""
    assert task.folder is not None
    result = finished_result(task.folder)
    assert result is not None
    return result


@pytest.mark.slow
def test_a_trial_is_a_search_and_the_word_of_the_table(task: TrialTask) -> None:
    result = run_trial(task)
    searched = run_search(
        searcher="darts",
        settings=SETTINGS.with_config(task.config),
        space=get_space(1),
        data=load_dataset("digits"),
        epochs=2,
        seed=5,
    )
    outcome = table_outcome(task.table, get_space(1), searched.architecture)
    assert result["exception"] is None
    assert result["loss"] == outcome.valid
    known = dataclasses.replace(
        outcome,
        one_shot=searched.trajectory[-1].valid_error,
        undecided=True,  # two epochs of two steps
        **cell_costs(task.table, "digits", get_space(1), searched.architecture),
    )
    assert result["info"] == known.to_info()
    assert {"parameters", "training_seconds"} < result["info"].keys()
    times = result["timestamps"]
    assert 0 < times["search_seconds"] < times["finished"] - times["started"]
    processor = [row["processor_time"] for row in read_metrics(task.folder)]
    assert times["processor_seconds"] == sum(processor) > 0


def test_the_time_of_comparing_cells_is_part_of_the_result(task: TrialTask) -> None:
    own = {"ranked_cells": 4, "ranked_batches": 1, "evaluated_cells": 2}
    settings = dataclasses.asdict(SETTINGS) | own
    result = run_trial(dataclasses.replace(task, searcher="random_ws", settings=settings))
    times = result["timestamps"]
    assert 0 < times["compare_seconds"] < times["search_seconds"]


def test_the_journal_has_the_rate_that_a_rule_gave(task: TrialTask) -> None:
    short = dataclasses.replace(task, budget=1)
    rate = architecture_rate(
        SearchSettings(arch_learning_rate="scaled", batch_size=128),
        len(load_dataset("digits").supernet_train),
        1,
    )
    scaled = dataclasses.replace(short, config={"arch_learning_rate": "scaled"})
    assert run_trial(scaled)["info"]["arch_learning_rate"] == rate > 0.1
    assert Outcome.from_result(
        TrialResult(loss=None, info={"arch_learning_rate": rate})
    ) == Outcome(scaled_rate=rate)


@pytest.mark.slow
def test_a_trial_whose_worker_has_to_leave_resumes_with_the_next_step(task: TrialTask) -> None:
    assert task.folder is not None
    undisturbed = run_trial(dataclasses.replace(task, folder=task.folder / "undisturbed"))
    ask_to_stop()
    try:
        for step in (1, 2):
            with pytest.raises(TaskStopped, match=f"leave: stopped after step {step} of epoch 1"):
                run_trial(task)
    finally:
        allow_tasks()
    result = run_trial(task)
    assert (result["loss"], result["info"]) == (undisturbed["loss"], undisturbed["info"])


@pytest.mark.slow
def test_a_draw_is_one_repeat_by_the_seed_and_the_rest_stays(task: TrialTask) -> None:
    short = dataclasses.replace(task, budget=1, folder=None)
    drawn = set()
    for seed in range(8):
        mean = search_cell(dataclasses.replace(short, seed=seed))
        draw = dataclasses.replace(short, seed=seed, objective="draw")
        outcome = search_cell(draw)
        assert search_cell(draw) == outcome
        cell = get_space(1).cell(outcome.architecture(get_space(1)))
        repeats = load_table(task.table).query(cell).valid_errors
        assert outcome.loss == repeats[outcome.drawn_repeat]
        assert dataclasses.replace(outcome, loss=mean.loss, drawn_repeat=None) == mean
        assert mean.loss == mean.valid
        drawn.add(outcome.drawn_repeat)
    assert drawn == {0, 1, 2}


@pytest.mark.slow
def test_a_draw_is_by_the_objectives_own_seed_where_searches_share_one(task: TrialTask) -> None:
    """With `trial_seed: study`; otherwise all trials would draw the same repeat."""
    shared = dataclasses.replace(task, budget=1, objective="draw")
    # The first search leaves its checkpoint, from which the others end at once.
    found = [search_cell(dataclasses.replace(shared, objective_seed=own)) for own in range(8)]
    assert {outcome.drawn_repeat for outcome in found} == {0, 1, 2}
    assert len({outcome.key for outcome in found}) == 1


@pytest.mark.slow
def test_a_finished_trial_is_not_run_again(task: TrialTask) -> None:
    first = run_trial(task)
    assert task.folder is not None
    assert result_of(task) == first
    assert not list(task.folder.glob("checkpoint*"))
    assert (task.folder / "metrics.jsonl").exists()
    # Timestamps are those of the run, not of the second call.
    assert run_trial(task) == first


@pytest.mark.slow
def test_a_killed_trial_ends_as_if_it_had_not_been(task: TrialTask) -> None:
    whole = run_trial(task)
    assert task.folder is not None
    broken = dataclasses.replace(task, folder=task.folder.parent / "broken")

    class Killed(BaseException):
        pass

    def kill(record: object) -> None:
        raise Killed

    with pytest.raises(Killed):
        search_cell(broken, kill)
    again = run_trial(broken)
    assert again["info"] == whole["info"]
    assert again["loss"] == whole["loss"]


@pytest.mark.slow
def test_a_result_that_cannot_be_read_is_made_again(task: TrialTask) -> None:
    whole = run_trial(task)
    assert task.folder is not None
    written = (task.folder / RESULT).read_text()
    loss = json.dumps(whole["loss"])
    for altered in ('{"loss": 0.', "[]", "3", written.replace(loss, "0.5", 1)):
        (task.folder / RESULT).write_text(altered)
        assert finished_result(task.folder) is None
        assert run_trial(task)["info"] == whole["info"]
        assert result_of(task)["info"] == whole["info"]


@pytest.mark.slow
def test_a_rung_that_is_not_whole_is_rounded_and_has_one_epoch_at_least(task: TrialTask) -> None:
    assert task.folder is not None
    for budget, epochs in ((0.4, 1), (1.6, 2)):
        part = dataclasses.replace(task, budget=budget, folder=task.folder / str(budget))
        run_trial(part)
        assert part.folder is not None
        assert len((part.folder / "metrics.jsonl").read_text().splitlines()) == epochs


def test_a_search_that_diverges_is_data(task: TrialTask) -> None:
    wild = dataclasses.replace(task, config={"learning_rate": 1e30, "grad_clip": 1e30})
    result = run_trial(wild)
    assert result["loss"] is None
    assert result["exception"].startswith("SearchDiverged: ")
    assert result["info"] == {"state": "CRASHED"}
    assert run_trial(wild) == result


def test_a_setting_that_the_search_refuses_is_data(task: TrialTask) -> None:
    result = run_trial(dataclasses.replace(task, config={"batch_size": 0}))
    assert result["loss"] is None
    assert result["exception"].startswith("SettingsError: ")


@pytest.mark.slow
def test_a_search_too_large_for_its_gpu_may_fail_by_the_gpu_and_leaves_the_worker_usable(
    task: TrialTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    with monkeypatch.context() as patched:
        patched.setattr(Supernet, "forward", full)
        with pytest.raises(TaskFailed, match=r"^OutOfDeviceMemory: "):
            run_trial(task)
    assert task.folder is not None
    assert not (task.folder / RESULT).exists()
    assert run_trial(dataclasses.replace(task, folder=task.folder / "next"))["exception"] is None


def test_no_memory_for_a_search_is_a_short_message(
    task: TrialTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise MemoryError("no memory " * 10_000)

    monkeypatch.setattr(Supernet, "forward", full)
    with pytest.raises(TaskFailed, match=r"^MemoryError: no memory") as failure:
        run_trial(task)
    assert len(str(failure.value)) < 2000


def test_a_folder_that_cannot_be_written_is_not_data(task: TrialTask, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    blocked = dataclasses.replace(task, folder=tmp_path / "file" / "2")
    with pytest.raises(OSError, match="file"):
        run_trial(blocked)


def test_data_that_cannot_be_used_is_not_data_for_the_optimizer(task: TrialTask) -> None:
    with pytest.raises(DatasetError):
        run_trial(dataclasses.replace(task, dataset="missing.npz"))
    assert task.folder is not None
    assert not (task.folder / RESULT).exists()
