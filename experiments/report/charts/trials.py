"""The trials of a study by name: the text of a chart's point, and the row that a click opens."""

from __future__ import annotations

from collections.abc import Iterable

from oneshot_hpo.experiments.numbers.sources import successful_trials
from oneshot_hpo.experiments.report.charts.hover import of_trial
from oneshot_hpo.experiments.report.naming import anchor
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.hpo import Trial, TrialResult


class Trials:
    """All trials of a study, finished or not."""

    def __init__(self, source: OpenedStudy) -> None:
        self.source = source
        pending = [(trial, None) for trial in source.view.pending]
        self._by_key: dict[str, tuple[Trial, TrialResult | None]] = {
            trial.key: (trial, result) for trial, result in (*source.view.evaluations, *pending)
        }

    def last_at(self, name: str, budget: float) -> str:
        """The key of a configuration's trial at a budget."""
        return next(
            key
            for key, (trial, _) in self._by_key.items()
            if key.split("/")[0] == name and trial.budget == budget
        )

    def keys_at(self, budget: float) -> list[str]:
        """The trials of a budget that did not crash, in the order of tell."""
        return [trial.key for trial, _ in successful_trials(self.source) if trial.budget == budget]

    def hover(self, keys: Iterable[str]) -> list[str]:
        """The text of each trial."""
        return [of_trial(*self._by_key[key]) for key in keys]

    def anchors(self, keys: Iterable[str]) -> list[str]:
        """The anchors of trials in the table."""
        return [anchor(self._by_key[key][0]) for key in keys]
