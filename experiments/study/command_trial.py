"""What a worker does where a program of the user's is the trial: run it, and take its result."""

from __future__ import annotations

import dataclasses
import os
from typing import TYPE_CHECKING

from oneshot_hpo.cluster.environment import for_program
from oneshot_hpo.cluster.stopping import TaskStopped, stop_asked
from oneshot_hpo.cluster.task import TaskLost
from oneshot_hpo.experiments.errors import one_line
from oneshot_hpo.experiments.study.outcome import Outcome
from oneshot_hpo.search_spaces import Architecture, get_space
from oneshot_hpo.searchers.command import (
    CommandFailed,
    CommandLost,
    CommandResult,
    CommandStopped,
    run_command,
)

if TYPE_CHECKING:
    from oneshot_hpo.experiments.study.trial import TrialTask


def command_outcome(task: TrialTask) -> Outcome:
    """Run a trial's command, and evaluate what it found.

    Raises what `run_command` does; TaskStopped and TaskLost for what no configuration causes.
    """
    assert task.command is not None
    assert task.folder is not None
    command = task.command
    if command.environment is not None:
        here = for_program(command.environment, os.environ)
        command = dataclasses.replace(command, environment=here)

    try:
        result = run_command(
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

    architecture = _architecture(task, result)
    if result.validation_error is None:
        return _looked_up(task, architecture)
    outcome = Outcome(
        loss=result.validation_error, valid=result.validation_error, test=result.test_error
    )
    if architecture is None:
        return outcome
    space = get_space(task.space)
    return dataclasses.replace(
        outcome, document=space.to_document(architecture), key=space.key(architecture)
    )


def _architecture(task: TrialTask, result: CommandResult) -> Architecture | None:
    """The architecture of a result. CommandFailed: it is not of the study's space."""
    if result.architecture is None:
        return None
    if task.space is None:
        raise CommandFailed("result.json has an architecture, but the study file names no space")
    space = get_space(task.space)
    try:
        return space.from_document(result.architecture)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise CommandFailed(
            f"result.json: its architecture is none of {space.title}: {one_line(error)}"
        ) from None


def _looked_up(task: TrialTask, architecture: Architecture | None) -> Outcome:
    """The errors of an architecture in the study's table."""
    if task.table is None:
        raise CommandFailed("result.json has an architecture alone, but the study has no table")
    assert architecture is not None  # a result has one of both
    from oneshot_hpo.experiments.study.trial import table_outcome

    outcome = table_outcome(task.table, get_space(task.space), architecture)
    return dataclasses.replace(outcome, transfer=task.transfer)
