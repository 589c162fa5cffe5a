"""The states where promoted trials go on (`promotion: continue`), kept as long as one may.

A worker leaves its trial's state in the trial's folder. The master removes it once the trial can no
longer be promoted, because as many trials of its rung are better as the next rung has places; and
once its promoted trial has finished, whose attempts may all begin there.
"""

from __future__ import annotations

from bisect import insort
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

from oneshot_hpo.searchers.checkpoint import TO_CONTINUE, remove_to_continue

if TYPE_CHECKING:
    from oneshot_hpo.hpo import StudyView, Trial, TrialId, TrialResult


class StatesToContinue:
    """Removes states that nothing will begin with, as a study's results come."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "trials"
        self._ranking = _Ranking()

    def sweep(self, study: StudyView) -> None:
        """Remove those that an earlier master has left."""
        self._ranking = _Ranking()
        superfluous = self._ranking.superfluous(study)
        for path in self._folder.rglob(TO_CONTINUE):
            if str(path.parent.relative_to(self._folder)) in superfluous:
                remove_to_continue(path.parent)

    def told(self, study: StudyView) -> None:
        """Remove what the last result makes superfluous."""
        for key in self._ranking.add(study, *study.evaluations[-1]):
            remove_to_continue(self._folder / key)


def superfluous_states(study: StudyView) -> set[str]:
    """The keys of finished trials where no trial will begin any more."""
    return _Ranking().superfluous(study)


class _Ranking:
    """The trials of each rung that may be promoted, the best first.

    Successive halving ranks them by loss, then by which configuration started first.
    """

    def __init__(self) -> None:
        self._rungs: dict[tuple[int, int | float], list[tuple[float, int, str]]] = defaultdict(list)
        self._first: dict[TrialId, int] = {}

    def superfluous(self, study: StudyView) -> set[str]:
        """The keys that all results together make superfluous."""
        return {
            key for trial, result in study.evaluations for key in self.add(study, trial, result)
        }

    def add(self, study: StudyView, trial: Trial, result: TrialResult) -> set[str]:
        """The keys of trials whose states a result makes superfluous."""
        found = set() if trial.key_continued is None else {trial.key_continued}
        first = self._first.setdefault(trial.id, trial.seq)
        above = study.rung_above(trial)
        if above is None or result.loss is None:
            return found | {trial.key}

        ranked = self._rungs[study.bracket_of(trial), trial.budget]
        insort(ranked, (result.loss, first, trial.key))
        found |= {key for _, _, key in ranked[above.size :]}
        del ranked[above.size :]
        return found
