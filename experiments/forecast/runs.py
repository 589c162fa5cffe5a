"""The runs that a simulation starts: those of a study's brackets, or those of a confirmation."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Protocol

from oneshot_hpo.experiments.forecast.course import Course
from oneshot_hpo.hpo.brackets import bracket, bracket_of, total_evaluations
from oneshot_hpo.hpo.trial import CONTINUES, TrialId

if TYPE_CHECKING:
    from oneshot_hpo.hpo.bohb.rehearsal import RehearsedMaster

Run = tuple[TrialId, int | float]
"""A configuration's id and a budget."""


class Source(Protocol):
    """Where runs come from: the brackets of a study, or the runs of a confirmation."""

    total: int
    """Number of runs."""
    first_model_pick: int | None
    """The first of them that a model proposed: its place in the order of start, from 1."""

    def next_run(self) -> Run | None:
        """The next run; None: none can start now."""

    def epochs(self, run: Run) -> float:
        """What a run that has started spends itself."""

    def tell(self, run: Run, loss: float | None, course: Course) -> None:
        """A run finished; a loss of None is a crash."""


class Brackets:
    """The runs of a study, as its master starts them."""

    def __init__(self, master: RehearsedMaster) -> None:
        self.total = total_evaluations(master.settings)
        self.first_model_pick: int | None = None
        self._master = master
        self._seq = self._started = 0
        self._continues: dict[Run, int | float] = {}
        self._left = Counter(
            {
                i: sum(rung.size for rung in bracket(master.settings, i))
                for i in range(master.settings.iterations)
            }
        )

    def next_run(self) -> Run | None:
        """The master's next run."""
        run = self._master.next_run(self._seq)
        if run is None:
            return None
        self._seq += 1
        self._started += 1
        if self.first_model_pick is None and run.info["model_based_pick"]:
            self.first_model_pick = self._started
        if CONTINUES in run.info:
            self._continues[run.id, run.budget] = run.info[CONTINUES]
        return run.id, run.budget

    def epochs(self, run: Run) -> float:
        """Its budget, or where it goes on the rest."""
        return float(run[1] - self._continues.get(run, 0))

    def tell(self, run: Run, loss: float | None, course: Course) -> None:
        """Tell the master, and note a bracket that has finished."""
        trial_id, budget = run
        self._master.tell(self._seq, trial_id, {}, budget, loss=loss, exception=None, timestamps={})
        self._seq += 1
        number = bracket_of(self._master.settings, trial_id)
        self._left[number] -= 1
        if number >= 0 and not self._left[number]:
            course.bracket_ends.append(course.ends[-1])


class Reruns:
    """The runs of a confirmation: all of one budget, in any order."""

    def __init__(self, total: int, budget: int | float) -> None:
        self.total = total
        self.first_model_pick: int | None = None
        self._budget = budget
        self._numbers = iter(range(total))

    def next_run(self) -> Run | None:
        """The next of them."""
        number = next(self._numbers, None)
        return None if number is None else ((0, 0, number), self._budget)

    def epochs(self, run: Run) -> float:
        """Its budget."""
        return float(run[1])

    def tell(self, run: Run, loss: float | None, course: Course) -> None:
        """Nothing depends on the results."""
