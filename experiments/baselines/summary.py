"""The end of a run of baselines: final test regret of each method in each space."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from rich.console import Console

from oneshot_hpo.experiments.baselines.equal_cost import (
    best_of_random,
    trainings_worth_of_scores,
)
from oneshot_hpo.experiments.baselines.plan import BaselinePlan
from oneshot_hpo.experiments.baselines.running import SECONDS
from oneshot_hpo.experiments.objectives.section import ON_TEST, TEST_MEAN
from oneshot_hpo.experiments.terminal.hints import say
from oneshot_hpo.experiments.terminal.tables import print_table
from oneshot_hpo.foreign import label_of
from oneshot_hpo.search_spaces import SpaceId, get_space, load_table
from oneshot_hpo.search_spaces.table import SINGLE_PRECISION


def print_summary(console: Console, plan: BaselinePlan, results: Path) -> None:
    """Print median and quartiles over repetitions, what that is worth, and evaluations a second.

    Worth: the number of random trainings whose best has this median, or a lower one.
    """
    table = load_table(plan.table)
    seconds = json.loads((results.parent / SECONDS).read_text())
    groups = []
    for space in plan.spaces:
        best = table.best(get_space(space)).test_error
        regrets = {
            method: 100 * (final_test_errors(results, method, space) - best)
            for method in plan.methods
        }
        random = best_of_random(plan, space)
        rows = []
        for method, values in sorted(regrets.items(), key=lambda item: np.median(item[1])):
            low, median, high = np.quantile(values, (0.25, 0.5, 0.75))
            rate = (
                plan.evaluations_in(space) * len(values) / max(seconds[f"{method} {space}"], 1e-3)
            )
            quartiles = f"{low:.3f} to {high:.3f}"
            counts = (label_of(str(space)), str(len(values)))
            worth = random.worth(best + median / 100 + SINGLE_PRECISION)
            trainings = "> 10⁶" if worth is None else f"{worth:,}"
            measured = (f"{median:.3f}", quartiles, trainings, f"{rate:,.0f}")
            rows.append((method, *counts, *measured))
        groups.append(rows)

    headings = ("method", "space", "runs", "median", "quartiles", "worth", "per second")
    title = f"test regret after {plan.limit}, percentage points"
    print_table(console, headings, groups, title=title)
    say(console, "worth: random trainings whose best has this median; per second: evaluations")
    for space in plan.spaces:
        spent = trainings_worth_of_scores(plan, space)
        if spent is not None:
            name = label_of(str(space))
            say(console, f"scoring space {name} took as long as {spent:,.1f} trainings")
    if plan.objective == TEST_MEAN:
        say(console, f"note: {ON_TEST}")
    say(console, f"all evaluations: {results}")


def final_test_errors(results: Path, method: str, space: SpaceId) -> np.ndarray:
    """The incumbents' test errors at the end, one a repetition."""
    columns = ["repetition", "incumbent_test_error"]
    rows = pq.read_table(
        results,
        columns=columns,
        filters=(pc.field("method") == method) & (pc.field("space") == _stored(results, space)),
    )
    repetition = rows["repetition"].to_numpy()
    last = np.flatnonzero(np.diff(repetition, append=-1))
    errors: np.ndarray = rows["incumbent_test_error"].to_numpy()[last]
    return errors


def _stored(results: Path, space: SpaceId) -> SpaceId:
    """A space as the file's column holds it."""
    has_names = pa.types.is_string(pq.read_schema(results).field("space").type)
    return str(space) if has_names else space
