"""Baselines beside a study at equal cost: by evaluations, or by one of two clocks.

A study's cost is that of its tuning, all of its evaluations and replicates; that of another
setting than the tuned one is the mean of its own searches. A baseline has what its best cell was by
then.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from oneshot_hpo.experiments.compare.sources import Study
from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.experiments.numbers.baseline_runs import baseline_steps
from oneshot_hpo.experiments.numbers.baselines_file import Baselines
from oneshot_hpo.experiments.numbers.sample import Sample
from oneshot_hpo.experiments.numbers.study_runs import (
    all_results,
    clock_seconds,
    clock_spent,
    seconds_spent,
)
from oneshot_hpo.experiments.objectives.section import TEST_MEAN
from oneshot_hpo.search_spaces import SpaceId
from oneshot_hpo.suggestions import did_you_mean

Equal = Literal["evaluations", "seconds", "search-seconds"]
"""What baselines have as much of as the study: evaluations; seconds of search and of training each
cell found; seconds of search alone."""
EQUAL: tuple[Equal, ...] = get_args(Equal)
_WORDS = {
    "seconds": "of search and of training each cell found",
    "search-seconds": "of search",
}


class NothingTrained(UserError):
    """The cost of a study pays for no cell in some repetition of a method."""


@dataclass(frozen=True)
class Beside:
    """The samples of a file of baselines, and a sentence on what they are."""

    samples: list[Sample]
    note: str


def read_equal(word: str) -> Equal:
    """The measure of that name. UserError: there is none."""
    for known in EQUAL:
        if word == known:
            return known
    raise UserError(f"--at-equal {word}: {did_you_mean(word, EQUAL, with_all=True)}")


def baselines_beside(
    file: Baselines, space: SpaceId, table: str, first: Study | None, equal: Equal
) -> Beside:
    """The samples of a file in a space, at the cost of the first study; without one, at the end.

    table: a name or path of the table of both. UserError: it is another one, the file has nothing
    of the space, or a method had no result by then.
    """
    seen = "test" if file.objective == TEST_MEAN else "validation"
    if first is None or equal == "evaluations":
        return _after_evaluations(file, space, table, first, seen)

    seconds = _cost(first, equal)
    samples, ended = _within(file, space, table, seconds)
    note = (
        f"{file.path}: regrets of the best cell by {seen} within {seconds:,.0f} seconds of "
        f"training, as many as {first.source} had {_WORDS[equal]}"
    )
    if ended:
        note += f" (for {', '.join(ended)} the file has fewer)"
    note += (
        "; a study's are those of one new search each; searches ran on its workers, trainings on "
        "the machine of the table's makers"
    )
    return Beside(samples, note)


def _after_evaluations(
    file: Baselines, space: SpaceId, table: str, first: Study | None, seen: str
) -> Beside:
    evaluations = None if first is None else first.main.evaluations
    samples = file.samples(space, table, evaluations)
    used = samples[0].evaluations
    note = f"{file.path}: regrets of the best of {used} evaluations by {seen}"
    if first is not None and evaluations is not None:
        words = f", for it has no more; {first.source} had {evaluations}"
        note += f", as many as {first.source} had" if used == evaluations else words
        note += "; a study's are those of one new search each"
    return Beside(samples, note)


def _cost(study: Study, equal: Equal) -> float:
    """Seconds of a study's tuning, or of one search of another setting. UserError: not known."""
    opened, (_, setting) = study.opened, study.main.origin
    confirmation = opened.confirmation
    assert confirmation is not None
    if setting == confirmation.tuned:
        searched = sum(map(seconds_spent, all_results(opened)))
        seconds = clock_spent(opened) if equal == "seconds" else searched
    else:
        runs = [result for _, result in confirmation.results_of(setting).values()]
        on_clock = [clock_seconds(opened, result) for result in runs]
        seconds = _mean(on_clock if equal == "seconds" else [*map(seconds_spent, runs)])
    if not seconds:
        what = "training time of its cells" if equal == "seconds" else "time of its searches"
        raise UserError(f"{study.source}: --at-equal {equal}: the {what} is not known")
    return seconds


def _mean(found: Sequence[float | None]) -> float | None:
    """The mean; None: there are none, or one is not known."""
    known = [seconds for seconds in found if seconds is not None]
    return sum(known) / len(known) if known and len(known) == len(found) else None


def _within(
    file: Baselines, space: SpaceId, table: str, seconds: float
) -> tuple[list[Sample], list[str]]:
    """The samples within seconds of training, and the methods whose runs end before.

    NothingTrained: a repetition has trained nothing by then.
    """
    samples, ended = [], []
    name = file.trained_cells(table).name
    for method, runs in baseline_steps(file, table, space, "seconds", "test").items():
        soonest = max(run.x[0] for run in runs)
        if soonest > seconds:
            raise NothingTrained(
                f"{file.path}: in {seconds:,.0f} seconds not every repetition of {method} has "
                f"trained a cell; that takes {soonest:,.0f}"
            )
        if any(run.x[-1] < seconds for run in runs):
            ended.append(method)
        places = [int(np.searchsorted(run.x, seconds, side="right")) - 1 for run in runs]
        values = [run.y[place] for run, place in zip(runs, places, strict=True)]
        samples.append(
            Sample(
                method=method,
                source=file.source,
                origin=(file.path.resolve(), method),
                table=name,
                space=space,
                values=np.array(values),
            )
        )
    if not samples:
        file.samples(space, table, None)  # raises: nothing of the space is in the file
    return samples, ended
