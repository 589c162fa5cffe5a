"""What follows a study and decides nothing: what it keeps, a tracker, the file of its workers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from oneshot_hpo.cluster.pool import DaskPool
from oneshot_hpo.experiments.study.kept_weights import KeptWeights
from oneshot_hpo.experiments.study.specification import StudySpec
from oneshot_hpo.experiments.study.states_to_continue import StatesToContinue
from oneshot_hpo.experiments.study.tracking import Tracker
from oneshot_hpo.experiments.study.work import Display, Work
from oneshot_hpo.experiments.study.workers_file import WorkersFile
from oneshot_hpo.hpo import StudyView, Trial


class Followers:
    """The followers of a study, or of a confirmation, which has its workers' file alone."""

    def __init__(self, work: Work[Any], spec: StudySpec, folder: Path, display: Display) -> None:
        self._study = work if isinstance(work, StudyView) else None
        self._folder, self._track, self._display = folder, spec.track, display
        self._workers = WorkersFile(folder)
        self._kept = KeptWeights(folder, spec.keep)
        self._to_continue = StatesToContinue(folder) if spec.continues else None
        self._tracker: Tracker | None = None

    def begin(self) -> None:
        """Catch up with what an earlier master has left."""
        if self._study is None:
            return
        self._kept.sweep(self._study)
        if self._to_continue is not None:
            self._to_continue.sweep(self._study)
        if self._track is not None:
            self._tracker = Tracker(self._folder, self._track)
            self._tracker.results_came()

    def look_at(self, pool: DaskPool) -> None:
        """Note how many workers there are; say once that results cannot be sent."""
        self._workers.update(pool)
        self._say_tracker_away()

    def told(self, trial: Any) -> None:
        """A result has been journaled."""
        if self._tracker is not None:
            self._tracker.results_came()
        if self._study is not None and isinstance(trial, Trial):
            self._kept.told(self._study, trial)
            if self._to_continue is not None:
                self._to_continue.told(self._study)

    def pool_ended(self) -> None:
        """There are no workers any more."""
        self._workers.remove()

    def close(self) -> None:
        """Let the tracker finish, for a while."""
        if self._tracker is not None:
            self._tracker.close()
            self._say_tracker_away()

    def _say_tracker_away(self) -> None:
        words = None if self._tracker is None else self._tracker.complaint()
        if words is not None:
            self._display.say(words)
