"""What a worker does: one search with one configuration, and its cell's errors in the table."""

from __future__ import annotations

import dataclasses
import functools
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import google_crc32c
import numpy as np

from oneshot_hpo.cluster.stopping import TaskStopped, stop_asked
from oneshot_hpo.cluster.task import TaskFailed
from oneshot_hpo.experiments.errors import is_user_error, one_line
from oneshot_hpo.experiments.study.cell_costs import cell_costs
from oneshot_hpo.experiments.study.outcome import COMPARE_SECONDS, CRASHED, SECONDS, Outcome
from oneshot_hpo.search_spaces import Architecture, SearchSpace, SpaceId, get_space, load_table
from oneshot_hpo.searchers import SearchStopped
from oneshot_hpo.searchers.checkpoint import read_metrics, remove_checkpoints
from oneshot_hpo.searchers.data.datasets import load_dataset
from oneshot_hpo.searchers.records import EpochRecord, SearchDiverged
from oneshot_hpo.searchers.settings import SearchSettings, SettingsError
from oneshot_hpo.whole_files import write_whole

RESULT = "result.json"
_CHECKSUM = b', "crc32c": "'  # the last key: of all bytes before it

_DRAW = 1  # separates the draw of a repeat from the search, which uses the seed alone

# Loaded once a worker process, not once a trial.
load_images = functools.lru_cache(maxsize=2)(load_dataset)
_table = functools.lru_cache(maxsize=2)(load_table)


@dataclass(frozen=True, kw_only=True)
class TrialTask:
    """Everything that a worker needs to run a trial.

    config is laid over settings; budget is in epochs (rounded, if a rung's is not whole);
    objective is "mean" of the table's repeats, or "draw", one of them chosen by the trial's seed;
    transfer says that the table is of another data set, which the result then records; folder holds
    the trial's checkpoint, metrics and result, None to keep none.
    """

    searcher: str
    settings: SearchSettings
    config: Mapping[str, Any]
    space: SpaceId
    dataset: str
    table: str
    budget: float
    seed: int
    objective: str = "mean"
    transfer: bool = False
    folder: Path | None


def run_trial(task: TrialTask) -> dict[str, Any]:
    """Evaluate a trial: {"loss", "info", "exception", "timestamps"}.

    loss: validation error of the cell found, in [0, 1], by the objective; None for a crash.
    info: `Outcome.to_info`; nothing in it depends on the time or on the worker, but
        for the peak memory of its GPU.
    exception: why the search crashed, else None. A crash is a fact about the configuration: a loss
        that is not finite, or a setting that the search refuses.
    timestamps: when its last attempt started and finished, in seconds since 1970, and
        search_seconds, the time of the finished epochs of all attempts; where the searcher compared
        cells, compare_seconds, the part of it that this took.

    A trial may be run again at any time: it continues from its checkpoint, and if its folder
    already has a result, that is returned. Raises TaskStopped, after a checkpoint, when its worker
    has to leave, and for anything that is not a fact about the configuration: OSError (a full disk,
    data that cannot be read), an input error of this project's packages, or TaskFailed for all else
    (a device, memory, a bug).
    """
    assert task.folder is not None
    result = finished_result(task.folder)

    if result is None:
        started = time.time()
        task.folder.mkdir(parents=True, exist_ok=True)
        result = _evaluate(task)
        result["timestamps"] = {
            "started": started,
            "finished": time.time(),
            **_seconds(read_metrics(task.folder)),
        }
        write_whole(task.folder / RESULT, _sealed(json.dumps(result).encode()[:-1]))

    remove_checkpoints(task.folder)
    return result


def search_cell(task: TrialTask, on_epoch: Callable[[EpochRecord], None] | None = None) -> Outcome:
    """Search, and look up the cell that it finds in the task's table.

    Raises SearchDiverged, SearchStopped when the worker has to leave, and whatever else stops the
    search.
    """
    from oneshot_hpo.searchers.search import run_search  # loads torch, which a master does not need

    space = get_space(task.space)
    settings = task.settings.with_config(task.config)
    result = run_search(
        searcher=task.searcher,
        settings=settings,
        space=space,
        data=load_images(task.dataset),
        epochs=max(1, round(task.budget)),
        seed=task.seed,
        folder=task.folder,
        device=device_name(),
        on_epoch=on_epoch,
        stop_asked=stop_asked,
    )
    outcome = dataclasses.replace(
        table_outcome(task.table, space, result.architecture),
        one_shot=result.trajectory[-1].valid_error,
        transfer=task.transfer,
        scaled_rate=result.arch_learning_rate if settings.has_scaled_rate else None,
        undecided=result.undecided,
        peak_memory=result.peak_memory,
        **cell_costs(task.table, task.dataset, space, result.architecture),
    )
    if task.objective == "mean":
        return outcome

    repeats = valid_repeats(task.table, space, result.architecture)
    drawn = int(np.random.default_rng((task.seed, _DRAW)).integers(len(repeats)))
    return dataclasses.replace(outcome, loss=float(repeats[drawn]), drawn_repeat=drawn)


def table_outcome(table: str, space: SearchSpace, architecture: Architecture) -> Outcome:
    """The table's errors of an architecture; the loss is the mean validation error."""
    opened = _table(table)
    row = opened.row_of(space, architecture)
    valid, test = (float(opened.mean_errors(split, row)) for split in ("valid", "test"))
    best = opened.best(space)
    return Outcome(
        loss=valid,
        valid=valid,
        test=test,
        valid_regret=valid - best.valid_error,
        regret=test - best.test_error,
        percentile=opened.percentile(space, architecture),
        document=space.to_document(architecture),
        key=space.key(architecture),
        imputed=opened.rests_on_imputed(space, row),
    )


def valid_repeats(table: str, space: SearchSpace, architecture: Architecture) -> np.ndarray:
    """The validation error of each recorded training of an architecture, float (R,)."""
    opened = _table(table)
    repeats = opened.errors("valid", opened.row_of(space, architecture))
    return repeats[~np.isnan(repeats)]


def _evaluate(task: TrialTask) -> dict[str, Any]:
    try:
        outcome = search_cell(task)
    except OSError:
        raise
    except SearchStopped as stop:
        raise TaskStopped(f"its worker had to leave: {stop}") from None
    except (SearchDiverged, SettingsError) as error:
        return {"loss": None, "info": CRASHED, "exception": _reason(error)}
    except Exception as error:
        if is_user_error(error):
            raise
        raise TaskFailed(_reason(error)) from None
    return {"loss": outcome.loss, "info": outcome.to_info(), "exception": None}


def _seconds(records: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """The seconds of finished epochs, and of comparing cells in them, if any were compared."""
    found = {SECONDS: sum(record["time"] for record in records)}
    compared = [record.get("compare_seconds") for record in records]
    if any(compared):
        found[COMPARE_SECONDS] = sum(seconds or 0.0 for seconds in compared)
    return found


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {one_line(error)}"


def finished_result(folder: Path) -> dict[str, Any] | None:
    """The result in a trial's folder; None: there is none, or the file was altered.

    The search is then run again, with the same result.
    """
    try:
        content = (folder / RESULT).read_bytes()
    except FileNotFoundError:
        return None
    body, _, _ = content.rpartition(_CHECKSUM)
    return json.loads(body + b"}") if content == _sealed(body) else None


def _sealed(body: bytes) -> bytes:
    return body + _CHECKSUM + b'%08x"}' % google_crc32c.value(body)


def device_name() -> str:
    """Where a search runs here: cuda if there is a GPU, else cpu."""
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"
