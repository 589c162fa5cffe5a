"""What a worker does: one search with one configuration, and the loss of what it found."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import google_crc32c

from oneshot_hpo import foreign
from oneshot_hpo.cluster.stopping import TaskStopped, stop_asked
from oneshot_hpo.cluster.task import TaskFailed, TaskLost
from oneshot_hpo.experiments.errors import is_user_error, one_line
from oneshot_hpo.experiments.objectives.objective import (
    FOLDER,
    Found,
    NoLoss,
    ObjectiveStopped,
    evaluated,
    load_images,
    objective_of,
)
from oneshot_hpo.experiments.objectives.section import MEAN, Section
from oneshot_hpo.experiments.study.cell_costs import cell_costs
from oneshot_hpo.experiments.study.command_trial import command_outcome
from oneshot_hpo.experiments.study.outcome import (
    COMPARE_SECONDS,
    CRASHED,
    OBJECTIVE_SECONDS,
    PROCESSOR_SECONDS,
    SECONDS,
    Outcome,
)
from oneshot_hpo.search_spaces import SpaceId, get_space
from oneshot_hpo.searchers import SearchStopped
from oneshot_hpo.searchers.checkpoint import (
    read_metrics,
    remove_checkpoints,
    remove_previous,
    remove_to_continue,
)
from oneshot_hpo.searchers.command import Command
from oneshot_hpo.searchers.command.program import seconds_spent
from oneshot_hpo.searchers.records import EpochRecord, SearchDiverged
from oneshot_hpo.searchers.registry import settings_class
from oneshot_hpo.searchers.settings import SettingsError
from oneshot_hpo.whole_files import write_whole

RESULT = "result.json"
_CHECKSUM = b', "crc32c": "'  # the last key: of all bytes before it


@dataclass(frozen=True, kw_only=True)
class TrialTask:
    """Everything that a worker needs to run a trial.

    settings are by name, and config is laid over them; budget is in epochs (rounded, if a rung's is
    not whole); table is None for a study without one; objective is the study file's section;
    transfer says that the table is of another data set, which the result then records; folder holds
    the trial's checkpoint, metrics and result, None to keep none; code is what the trial may import
    of the user's, see `foreign.allowed`. A search has space and dataset; a command may have none of
    them, and has no settings. objective_seed is that of the objective; None: it is seed. keep
    says that the last checkpoint of a search that does not crash stays. schedule: the budget whose
    schedules a search has; None: its own. start: the folder of the trial of a smaller budget where
    it goes on; is_promotable: another one may go on where it ends.
    """

    searcher: str
    settings: Mapping[str, Any]
    command: Command | None = None
    config: Mapping[str, Any]
    space: SpaceId | None
    dataset: str | None
    table: str | None
    budget: float
    seed: int
    objective_seed: int | None = None
    objective: Section = MEAN
    transfer: bool = False
    folder: Path | None
    keep: bool = False
    schedule: float | None = None
    start: Path | None = None
    is_promotable: bool = False
    code: Mapping[str, str | None] = dataclasses.field(default_factory=dict)

    @property
    def epochs(self) -> int:
        """The budget in whole epochs."""
        return _whole(self.budget)

    @property
    def schedule_epochs(self) -> int:
        """The epochs of its schedules."""
        return _whole(self.budget if self.schedule is None else self.schedule)


def _whole(budget: float) -> int:
    return max(1, round(budget))


def run_trial(task: TrialTask) -> dict[str, Any]:
    """Evaluate a trial: {"loss", "info", "exception", "timestamps"}.

    loss: of the architecture found, by the objective; None for a crash.
    info: `Outcome.to_info`; nothing in it depends on the time or on the worker, but for the peak
        memory of its GPU.
    exception: why it crashed, else None. A crash is a fact about the configuration: a loss that is
        not finite, or a setting that the search refuses; or about the user's code, which returned
        what cannot be used.
    timestamps: when its last attempt started and finished, in seconds since 1970, and
        search_seconds, the time of the finished epochs of all attempts; on a CPU processor_seconds,
        the processor's part of it, over all threads; where the searcher compared
        cells, compare_seconds, the part of it that this took; objective_seconds likewise, where the
        objective trains.

    A trial may be run again at any time: it continues from its checkpoint, and if its folder
    already has a result, that is returned. Raises TaskStopped, after a checkpoint, when its worker
    has to leave, and for anything that is not a fact about the configuration: OSError (a full disk,
    data that cannot be read), an input error of this project's packages, or TaskFailed for all else
    (a device, memory, a bug), and TaskLost where a command was killed or has to run elsewhere.
    """
    assert task.folder is not None
    foreign.allow_all(task.code)
    result = finished_result(task.folder)

    if result is None:
        started = time.time()
        task.folder.mkdir(parents=True, exist_ok=True)
        result = _evaluate(task)
        result["timestamps"] = {
            "started": started,
            "finished": time.time(),
            **_seconds(task),
        }
        write_whole(task.folder / RESULT, _sealed(json.dumps(result).encode()[:-1]))

    if task.keep and result["loss"] is not None:
        remove_previous(task.folder)
    else:
        remove_checkpoints(task.folder)
    if not task.is_promotable or result["loss"] is None:
        remove_to_continue(task.folder)
    if (task.folder / FOLDER).is_dir():
        remove_checkpoints(task.folder / FOLDER)
    return result


def _seconds(task: TrialTask) -> dict[str, float]:
    """The seconds of a trial's search or command and of its objective, over all attempts."""
    assert task.folder is not None
    if task.command is not None:
        seconds = {SECONDS: seconds_spent(task.folder)}
    else:
        seconds = _of_search(read_metrics(task.folder))
    own = read_metrics(task.folder / FOLDER)
    return seconds | ({OBJECTIVE_SECONDS: sum(row["time"] for row in own)} if own else {})


def search_cell(
    task: TrialTask,
    on_epoch: Callable[[EpochRecord], None] | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> Outcome:
    """Search, and evaluate the architecture that it finds by the task's objective.

    on_epoch: called after each epoch of the search; say: with lines of the objective's progress.

    Raises SearchDiverged, NoLoss, SearchStopped and ObjectiveStopped when the worker has to leave,
    and whatever else stops the search.
    """
    from oneshot_hpo.searchers.search import run_search  # loads torch, which a master does not need

    assert task.space is not None
    assert task.dataset is not None
    objective = objective_of(task.objective)
    space = get_space(task.space)
    settings = settings_class(task.searcher)(**task.settings).with_config(task.config)
    result = run_search(
        searcher=task.searcher,
        settings=settings,
        space=space,
        data=objective.search_images(load_images(task.dataset)),
        epochs=task.schedule_epochs,
        until=task.epochs,
        seed=task.seed,
        folder=task.folder,
        start=task.start,
        device=device_name(),
        on_epoch=on_epoch,
        stop_asked=stop_asked,
    )
    found = Found(
        space=space,
        architecture=result.architecture,
        table=task.table,
        dataset=task.dataset,
        settings=settings,
        folder=None if task.folder is None else task.folder / FOLDER,
        device=device_name(),
        say=say,
    )
    seed = task.seed if task.objective_seed is None else task.objective_seed
    outcome = evaluated(task.objective, found, seed, stop_asked)
    return dataclasses.replace(
        outcome,
        one_shot=result.trajectory[-1].valid_error,
        transfer=task.transfer,
        scaled_rate=result.arch_learning_rate if settings.has_scaled_rate else None,
        undecided=result.undecided,
        continued_from=result.continued_from or None,
        peak_memory=result.peak_memory,
        **cell_costs(task.table, task.dataset, space, result.architecture),
    )


def _evaluate(task: TrialTask) -> dict[str, Any]:
    try:
        outcome = search_cell(task) if task.command is None else command_outcome(task)
    except (OSError, TaskStopped, TaskLost):
        raise
    except (SearchStopped, ObjectiveStopped) as stop:
        raise TaskStopped(f"its worker had to leave: {stop}") from None
    except (SearchDiverged, SettingsError, NoLoss, foreign.InvalidResult) as error:
        return {"loss": None, "info": CRASHED, "exception": _reason(error)}
    except Exception as error:
        if is_user_error(error):
            raise
        raise TaskFailed(f"{_reason(error)}{foreign.place_of(error)}") from None
    return {"loss": outcome.loss, "info": outcome.to_info(), "exception": None}


def _of_search(records: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """The seconds of finished epochs, a processor's in them, and those of comparing cells, if any.

    Those of a smaller budget's trial, where this one went on, are not its own.
    """
    records = [record for record in records if not record.get("inherited")]
    found = {SECONDS: sum(record["time"] for record in records)}
    processor = [record.get("processor_time") for record in records]
    if processor and None not in processor:
        found[PROCESSOR_SECONDS] = sum(processor)
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
