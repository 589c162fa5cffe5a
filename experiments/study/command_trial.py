"""What a worker does where a program of the user's is the trial: run it, and take its result."""

from __future__ import annotations

import dataclasses
import json
import os
from typing import TYPE_CHECKING

from oneshot_hpo.cluster.environment import for_program
from oneshot_hpo.cluster.stopping import TaskStopped, stop_asked
from oneshot_hpo.cluster.task import TaskLost
from oneshot_hpo.experiments.errors import one_line
from oneshot_hpo.experiments.objectives.objective import (
    FOLDER,
    Found,
    ObjectiveStopped,
    evaluated,
)
from oneshot_hpo.experiments.objectives.section import MEAN, OF_TABLE, chosen
from oneshot_hpo.experiments.study.outcome import Outcome
from oneshot_hpo.search_spaces import get_space
from oneshot_hpo.searchers.command import (
    CommandFailed,
    CommandLost,
    CommandResult,
    CommandStopped,
    run_command,
)
from oneshot_hpo.whole_files import write_whole

if TYPE_CHECKING:
    from oneshot_hpo.experiments.study.trial import TrialTask

_KEPT = "command.json"
"""In the trial's folder: the result of a command that has ended, while its objective computes."""


def command_outcome(task: TrialTask) -> Outcome:
    """Run a trial's command, and evaluate what it found.

    Raises what `run_command` does; TaskStopped and TaskLost for what no configuration causes.
    """
    assert task.folder is not None
    kept = task.folder / _KEPT
    result = CommandResult(**json.loads(kept.read_bytes())) if kept.exists() else _run(task)
    found = _found(task, result)
    if task.objective == MEAN and result.validation_error is not None:
        return dataclasses.replace(
            Outcome() if found is None else found.alone(),
            loss=result.validation_error,
            valid=result.validation_error,
            test=result.test_error,
        )
    if found is None:
        raise CommandFailed("result.json has no architecture, which the study's objective needs")

    # An objective may train for long, and be stopped: the command is not run again then.
    write_whole(kept, json.dumps(dataclasses.asdict(result)).encode())
    seed = task.seed if task.objective_seed is None else task.objective_seed
    try:
        outcome = evaluated(task.objective, found, seed, stop_asked)
    except ObjectiveStopped as stop:
        raise TaskStopped(f"its worker had to leave: {stop}") from None
    return dataclasses.replace(outcome, transfer=task.transfer)


def _run(task: TrialTask) -> CommandResult:
    assert task.command is not None
    assert task.folder is not None
    command = task.command
    if command.environment is not None:
        here = for_program(command.environment, os.environ)
        command = dataclasses.replace(command, environment=here)

    try:
        return run_command(
            command,
            task.config,
            budget=task.epochs,
            seed=task.seed,
            trial=task.folder,
            stop_asked=stop_asked,
        )
    except CommandStopped as stop:
        raise TaskStopped(f"its worker had to leave: {stop}") from None
    except CommandLost as loss:
        raise TaskLost(str(loss)) from None


def _found(task: TrialTask, result: CommandResult) -> Found | None:
    """The architecture of a result, if any. CommandFailed: it is not of the study's space."""
    if result.architecture is None:
        return None
    if task.space is None:
        raise CommandFailed("result.json has an architecture, but the study file names no space")
    if task.table is None and task.objective == MEAN and result.validation_error is None:
        raise CommandFailed("result.json has no validation_error, and the study has no table")

    space = get_space(task.space)
    try:
        architecture = space.from_document(result.architecture)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise CommandFailed(
            f"result.json: its architecture is none of {space.title}: {one_line(error)}"
        ) from None
    return Found(
        space=space,
        architecture=architecture,
        table=task.table,
        dataset=task.dataset,
        folder=None if task.folder is None else task.folder / FOLDER,
        device=_device(task),
    )


def _device(task: TrialTask) -> str:
    """Where an objective computes; a table needs no torch, which takes long to load."""
    from oneshot_hpo.experiments.study.trial import device_name

    return "cpu" if chosen(task.objective).name in OF_TABLE else device_name()
