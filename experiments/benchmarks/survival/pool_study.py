"""The studies in which faults in the pool are injected: six instant trials, one worker."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

from rich.console import Console

from oneshot_hpo.cluster.pool import DaskPool
from oneshot_hpo.experiments.benchmarks.survival.pool_trials import loss
from oneshot_hpo.experiments.errors import StudyFailed
from oneshot_hpo.experiments.study import loop as run_study
from oneshot_hpo.experiments.study.loop import StudyRun
from oneshot_hpo.experiments.study.validation import load_study
from oneshot_hpo.experiments.terminal.progress import PlainDisplay
from oneshot_hpo.hpo import OptimizerSettings, Study, TrialResult, configuration_space, read_study

EVALUATIONS = 6
ATTEMPTS = 3


def undisturbed(folder: Path) -> list[tuple[Any, ...]]:
    """The evaluations of a study without faults, made without workers."""
    with new_study(folder) as study:
        while (trial := study.ask()) is not None:
            left = {"children": 0, "threads": 0}
            study.tell(trial, TrialResult(loss(trial.seed), left))
    return evaluations(folder)


def new_study(folder: Path) -> Study:
    """A study of EVALUATIONS trials."""
    settings = OptimizerSettings(min_budget=1, max_budget=2, eta=2, iterations=2)
    space = configuration_space("cs2", image_size=8)
    return Study.create(folder, header={}, space=space, settings=settings)


def run_to_end(
    folder: Path,
    pool: DaskPool,
    function: Callable[..., Any],
    said: io.StringIO | None = None,
    *,
    workers: int = 1,
    settings: Sequence[str] = (),
) -> None:
    """Work on a new study with workers of a pool, which stays open; `said` gets what is printed.

    A study that its failing trials stop is resumed without them.
    """
    spec = load_study("quickstart", [f"cluster.max_attempts={ATTEMPTS}", *settings])
    display = PlainDisplay(Console(file=said or io.StringIO()), spec.title, workers)
    with new_study(folder) as study, mock.patch.object(run_study, "run_trial", function):
        open_pool: Any = lambda: contextlib.nullcontext(pool)  # noqa: E731
        while not study.finished:
            with contextlib.suppress(StudyFailed):
                StudyRun(study, spec, folder, display).run(open_pool, workers)


def evaluations(folder: Path) -> list[tuple[Any, ...]]:
    """All trials of a finished study with their results, in the order recorded, without times."""
    view = read_study(folder)
    assert view.finished  # each was recorded once: the view accepts no other journal
    return [
        (trial.key, trial.seq, trial.config, trial.seed, result.loss, result.info, result.exception)
        for trial, result in view.evaluations
    ]
