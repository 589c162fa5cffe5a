"""The state of a study as a fold over its journal's events."""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from ConfigSpace import ConfigurationSpace

from oneshot_hpo.hpo.bohb.encoding import check_configuration
from oneshot_hpo.hpo.brackets import bracket_of
from oneshot_hpo.hpo.errors import CorruptJournal, InvalidEvent, StudyError
from oneshot_hpo.hpo.extension import Extension
from oneshot_hpo.hpo.journal.events import Event, Note
from oneshot_hpo.hpo.journal.file import JOURNAL_NAME, read_journal
from oneshot_hpo.hpo.replicate import Replicate
from oneshot_hpo.hpo.seed_noise import repeated_noise
from oneshot_hpo.hpo.settings import OptimizerSettings
from oneshot_hpo.hpo.shrinkage import shrink
from oneshot_hpo.hpo.study_events import EVENTS
from oneshot_hpo.hpo.study_state import Extended, Retry, StopReached, StudyState, TrialRecord
from oneshot_hpo.hpo.trial import Observation, Trial, TrialResult


@dataclass(frozen=True)
class RungState:
    """Progress of one rung of a bracket."""

    budget: int | float
    """Budget of its runs."""
    planned: int
    """Number of runs of the complete rung."""
    started: int
    """Number of runs that have started, including finished ones."""
    finished: int
    """Number of runs that have finished."""


@dataclass(frozen=True)
class BracketState:
    """Progress of a bracket."""

    iteration: int
    """Its number, from 0."""
    rungs: tuple[RungState, ...]
    """Lowest budget first."""


@dataclass(frozen=True)
class StudyTimes:
    """Times of a study's journal, in seconds since 1970."""

    created: float
    """When the study was created."""
    first: float | None
    """When the first event after the header was written; None: there is none yet."""
    latest: float
    """The latest time of any event, the header's included."""


class StudyView:
    """A read-only view of a study, from its journal."""

    def __init__(self, path: Path, header: Event) -> None:
        """header: line 1 of the journal at `path`. Raises CorruptJournal if it has bad settings."""
        self._path = path
        self._header = header
        try:
            settings = OptimizerSettings(**header["optimizer"])
        except (TypeError, ValueError) as error:
            raise CorruptJournal(path, 1, f"optimizer of header: {error}") from None
        self._state = StudyState(settings)
        self._first: float | None = None
        self._latest: float = header["time"]
        self._by_posterior: tuple[tuple[int, int], tuple[Trial, TrialResult]] | None = None

    @property
    def header(self) -> dict:
        """The study's frozen specification and versions."""
        return self._header["study"]

    @property
    def settings(self) -> OptimizerSettings:
        """The optimizer's settings, with the brackets and the largest budget of extensions."""
        return self._state.plan.settings

    @property
    def extensions(self) -> Sequence[Extended]:
        """The study's extensions, in order."""
        return self._state.extensions

    @property
    def started_brackets(self) -> int:
        """Number of brackets that have started."""
        return self._state.started_brackets

    @cached_property
    def space(self) -> ConfigurationSpace:
        """The configuration space. Raises CorruptJournal when the header's cannot be read."""
        try:
            # A copy, because ConfigSpace modifies the dictionary.
            return ConfigurationSpace.from_serialized_dict(copy.deepcopy(self._header["space"]))
        except Exception as error:  # ConfigSpace raises many kinds
            raise CorruptJournal(self._path, 1, f"space of header: {error!r}") from None

    @property
    def prior(self) -> list[Observation]:
        """Observations from earlier runs with which the model started."""
        return [Observation(**observation) for observation in self._header["prior"]]

    @property
    def pending(self) -> list[Trial]:
        """Trials that have started and not finished, in the order of their start."""
        return list(self._state.pending.values())

    @property
    def evaluations(self) -> Sequence[tuple[Trial, TrialResult]]:
        """Trials with their results, in the order in which they finished.

        The sequence grows with the study; a crash that is run again is removed.
        """
        return self._state.evaluations

    def record(self, trial: Trial) -> TrialRecord:
        """Further facts about a trial that has started."""
        return self._state.records[trial.id, trial.budget]

    @property
    def times(self) -> StudyTimes:
        """When the study was created, and when its journal's other events were written."""
        return StudyTimes(self._header["time"], self._first, self._latest)

    @property
    def retries(self) -> Sequence[Retry]:
        """Every attempt whose infrastructure was lost, in the order of the journal."""
        return self._state.retries

    @property
    def noted(self) -> Sequence[Note]:
        """The study's notes, in order."""
        return self._state.noted

    @property
    def notes(self) -> Sequence[dict[str, Any]]:
        """Environments in its notes, in order; opaque to this package."""
        return [note.environment for note in self._state.noted]

    @property
    def replicates(self) -> Sequence[tuple[Replicate, TrialResult]]:
        """Finished replicates with their results, in the order in which they finished."""
        return self._state.replicates

    @property
    def pending_replicates(self) -> list[Replicate]:
        """Replicates that have started and not finished, in the order of their start."""
        return list(self._state.pending_replicates.values())

    def losses_of(self, trial: Trial, result: TrialResult) -> list[float]:
        """The loss of a trial that did not crash, then those of its replicates."""
        assert result.loss is not None
        return self._state.losses_of(trial, result.loss)

    @property
    def incumbent(self) -> tuple[Trial, TrialResult] | None:
        """The lowest loss at the largest budget with a loss; ties go to the first to finish.

        With `incumbent: posterior`, once replicates show the noise, the lowest posterior mean.
        """
        if self.settings.incumbent == "validation" or self._state.incumbent is None:
            return self._state.incumbent
        known = len(self._state.evaluations), len(self._state.replicates)
        if self._by_posterior is None or self._by_posterior[0] != known:
            self._by_posterior = known, self._best_by_posterior(self._state.incumbent)
        return self._by_posterior[1]

    def _best_by_posterior(self, lowest: tuple[Trial, TrialResult]) -> tuple[Trial, TrialResult]:
        found = [
            (trial, result)
            for trial, result in self._state.evaluations
            if trial.budget == lowest[0].budget and result.loss is not None
        ]
        losses = [self.losses_of(trial, result) for trial, result in found]
        noise = repeated_noise(losses)
        if noise is None:
            return lowest
        means = np.array([np.mean(own) for own in losses])
        shrunk = shrink(means, np.array([len(own) for own in losses]), noise)
        return found[int(shrunk.posterior_means.argmin())]

    @property
    def baseline(self) -> tuple[Trial, TrialResult] | None:
        """The default configuration at the largest budget at which it has finished.

        That is the study's largest budget, unless the default is one of the first bracket's
        configurations (`default_budget: min`), which may not be promoted.
        """
        return self._state.baseline

    @property
    def brackets(self) -> list[BracketState]:
        """All brackets of the study, started or not."""
        return [
            BracketState(
                i,
                tuple(
                    RungState(
                        rung.budget,
                        rung.size,
                        self._state.started_on_rung.get((i, rung.budget), 0),
                        self._state.finished_on_rung.get((i, rung.budget), 0),
                    )
                    for rung in self._state.plan.rungs(i)
                ),
            )
            for i in range(self.settings.iterations)
        ]

    def bracket_of(self, trial: Trial) -> int:
        """The bracket of a trial, from 0; -1 for the default where it is in none."""
        return bracket_of(self.settings, trial.id)

    @property
    def total_evaluations(self) -> int:
        """Number of planned evaluations: those of all brackets, and a default that is in none."""
        return self._state.plan.total_evaluations

    @property
    def stop_reached(self) -> StopReached | None:
        """The stop rule that ended the study before every planned evaluation.

        None: none did, or the study was extended with other rules since.
        """
        return self._state.stop_reached

    @property
    def finished(self) -> bool:
        """Whether nothing is left to run.

        Every planned evaluation has finished, or a stop rule was reached and what ran then has.
        """
        if self._state.stop_reached is not None and not self._state.pending:
            return True
        return len(self._state.evaluations) == self.total_evaluations

    def check_extension(self, extension: Extension) -> None:
        """Raise StudyError, with the reason, if the study cannot be extended so; see `Study`."""
        for config in extension.add:
            try:
                check_configuration(self.space, config)
            except StudyError as error:
                raise StudyError(f"the configuration {config}: {error}") from None
        self._state.extended_plan(extension)

    def _fold(self, events: list[Event]) -> None:
        """Apply the events after the header. Raises CorruptJournal with the line of a bad one."""
        rest = deque(events)
        events.clear()  # frees each event once it is applied: a long journal has many
        rest.popleft()
        for line in range(2, len(rest) + 2):
            try:
                self._replay(rest.popleft())
            except InvalidEvent as error:
                raise CorruptJournal(self._path, line, str(error)) from None

    def _replay(self, event: Event) -> None:
        self._apply(event)

    def _apply(self, event: Event) -> None:
        """Update the state with an event. Raises InvalidEvent."""
        EVENTS[event["event"]].apply(self._state, event)
        if self._first is None:
            self._first = event["time"]
        self._latest = max(self._latest, event["time"])


def read_study(folder: Path) -> StudyView:
    """Read the study in `folder`, without its lock; a torn last line is ignored.

    Raises StudyNotFound, NewerJournal or CorruptJournal. The optimizer's decisions are not checked:
    `Study.open` does that.
    """
    path = Path(folder) / JOURNAL_NAME
    events, _ = read_journal(path)
    view = StudyView(path, events[0])
    view._fold(events)
    return view
