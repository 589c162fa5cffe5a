"""Trials that lost their workers: what was said last, and whether they get anywhere."""

from __future__ import annotations

import os
from pathlib import Path

from oneshot_hpo.cluster.outcome import Outcome
from oneshot_hpo.experiments.errors import StudyStopped
from oneshot_hpo.experiments.objectives.objective import FOLDER
from oneshot_hpo.experiments.study.specification import StudySpec
from oneshot_hpo.hpo.journal.own_file import open_own
from oneshot_hpo.searchers.checkpoint import CHECKPOINT
from oneshot_hpo.searchers.command.program import last_written

FRUITLESS = 20
"""How often in a row a trial may lose its worker, through no fault of its own, between saves."""
LOST_LOG = "lost.log"
"""In a trial's folder: the last lines of each worker that it lost."""


class Losses:
    """The losses of a study's trials in one master's life."""

    def __init__(self, spec: StudySpec, folder: Path) -> None:
        self._is_command = spec.command is not None
        self._trials = folder / "trials"
        self._fruitless: dict[str, tuple[int, int]] = {}

    def check_gain(self, key: str, lost: str) -> None:
        """Raise StudyStopped if this trial keeps losing its workers without saving progress."""
        saved = self._saved(self._trials / key)
        before, times = self._fruitless.get(key, (0, 0))
        times = times + 1 if saved == before else 1
        self._fruitless[key] = (saved, times)
        if times >= FRUITLESS:
            raise StudyStopped(
                f"trial {key} lost its worker {times} times without progress ({lost}): the "
                "workers' time limit may be too short"
            )

    def _saved(self, folder: Path) -> int:
        """When a trial last saved progress, in nanoseconds; 0 if it has not."""
        if self._is_command:
            return last_written(folder)
        return max(map(_written, (folder / CHECKPOINT, folder / FOLDER / CHECKPOINT)))

    def keep_log(self, key: str, outcome: Outcome) -> None:
        """Append what the worker wrote last to LOST_LOG in the trial's folder."""
        if outcome.log:
            path = self._trials / key / LOST_LOG
            path.parent.mkdir(parents=True, exist_ok=True)
            log = open_own(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            with os.fdopen(log, "a", encoding="utf-8") as file:
                file.write(f"{outcome.lost}:\n{outcome.log}\n")


def _written(checkpoint: Path) -> int:
    """When a checkpoint was written, in nanoseconds; 0: there is none."""
    try:
        return checkpoint.stat().st_mtime_ns
    except FileNotFoundError:
        return 0
