"""A study as its folder tells it: what it is, how it stands, every trial it asked for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from oneshot_hpo.experiments.numbers.pace import seconds_left
from oneshot_hpo.experiments.pages.values import epochs
from oneshot_hpo.experiments.study.status import ObservedStudy
from oneshot_hpo.experiments.wording import duration
from oneshot_hpo.hpo import BASELINE_ID, Trial, TrialResult
from oneshot_hpo.hpo.journal.file import JOURNAL_NAME, read_journal


class JournaledStudy:
    """A study at one moment, running or not. UserError: the folder holds none."""

    def __init__(self, folder: Path) -> None:
        observed = ObservedStudy(folder)
        self.folder = folder
        self.view = observed.view
        self.spec = observed.spec
        self._has_master = observed.has_master
        self._goes_on = observed.goes_on
        events, _ = read_journal(folder / JOURNAL_NAME)
        self.begun: float = events[0]["time"]
        """When it was made, in seconds since 1970."""
        self._retries: dict[tuple[Any, ...], list[str]] = {}
        for event in events:
            if event["event"] == "retry":
                key = (*event["id"], event["budget"])
                self._retries.setdefault(key, []).append(event["reason"])

    @property
    def trials(self) -> Iterator[tuple[Trial, TrialResult | None]]:
        """Every trial asked for, in this order; those that are not finished have no result."""
        pending = [(trial, None) for trial in self.view.pending]
        yield from sorted([*self.view.evaluations, *pending], key=lambda pair: pair[0].seq)

    def losses_of_workers(self, trial: Trial) -> list[str]:
        """Why the earlier attempts at a trial were lost, the first attempt first."""
        return self._retries.get((*trial.id, trial.budget), [])

    def state(self, result: TrialResult | None) -> str:
        """How a trial is: finished, crashed, running, or waiting for the study to go on."""
        if result is not None:
            return "crashed" if result.crashed else "finished"
        return "running" if self._has_master else "interrupted"

    @property
    def standing(self) -> str:
        """How the study is: finished, running, waiting, or stopped."""
        if self.view.finished:
            return "finished"
        if self._goes_on:
            return "running" if self._has_master else "waiting"
        return "stopped"

    @property
    def progress(self) -> str:
        """How many evaluations there are, and how long the rest may take."""
        done, total = len(self.view.evaluations), self.view.total_evaluations
        words = f"{done} of {total} evaluations"
        crashed = sum(result.crashed for _, result in self.view.evaluations)
        words += f", {crashed} crashed" if crashed else ""
        if self.standing == "running":
            words += f", {len(self.view.pending)} running"
            left = seconds_left(self.view, self.spec.workers or 1)
            words += f", about {duration(left)} left" if left else ""
        return words


def name(trial: Trial) -> str:
    """A configuration's name: "default", or its id as in the journal and the folder of trials."""
    return "default" if trial.id == BASELINE_ID else "-".join(map(str, trial.id))


def anchor(trial: Trial) -> str:
    """The place of a trial's row in the page."""
    return f"trial-{trial.key.replace('/', '-')}"


def title(trial: Trial) -> str:
    """A trial in words."""
    return f"{name(trial)} at {epochs(trial.budget)}"
