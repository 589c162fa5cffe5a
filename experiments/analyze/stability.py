"""`oneshot-hpo analyze stability`: how far a supernet's ranks are those of its seed and epoch.

Zhang et al., Deeper Insights into Weight Sharing in Neural Architecture Search (2020): the ranks of
the cells under a supernet vary between epochs and between seeds, and less sharing, by groups of
cells with weights of their own, makes them vary less. Zhang et al., How Does Supernet Help in
Neural Architecture Search? (2021): ranks follow the number of parameters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from oneshot_hpo.experiments.analyze.correlation import spread
from oneshot_hpo.experiments.analyze.inputs import pair_notes, search_settings, table_and_space
from oneshot_hpo.experiments.analyze.plan import SupernetOptions, SupernetPlan
from oneshot_hpo.experiments.analyze.pruning import restricted
from oneshot_hpo.experiments.analyze.publishing import AnalysisReport, publish
from oneshot_hpo.experiments.analyze.ranks import (
    Array,
    Estimate,
    estimate,
    pair_estimate,
    percentiles,
    resamples,
    spearman,
)
from oneshot_hpo.experiments.analyze.sample import Sample, shared_sample
from oneshot_hpo.experiments.analyze.stability_findings import draw, rows, sentences
from oneshot_hpo.experiments.analyze.supernet import Supernet
from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.experiments.terminal.spinner import working
from oneshot_hpo.search_spaces import EnumerableSpace, SpaceId, Table, heading_of
from oneshot_hpo.searchers.registry import searcher_class

if TYPE_CHECKING:
    from rich.console import Console

NAME = "stability"


@dataclass(frozen=True)
class Sharing:
    """Rankings of the same cells by supernets of several seeds, after the last epoch.

    groups: into which the cells were split, each with a supernet of its own; 1: one for all.
    seeds: Spearman's correlation of the ranks of two seeds, mean over the pairs.
    table: of the ranks with those of the table's test errors, mean over the seeds.
    parameters: of the ranks with the number of parameters; above 0 larger cells rank higher. None:
        the table does not record it.
    deviation: of a cell's percentile between seeds, mean over the cells, in points.
    """

    groups: int
    seeds: Estimate
    table: Estimate
    parameters: Estimate | None
    deviation: float


@dataclass(frozen=True)
class Stability:
    """How ranks agree.

    epochs: by epoch, Spearman's correlation of its ranks with those after the last one.
    one: of one supernet for all cells. several: with groups; None: there are none. gain: what the
    groups add to the correlation between seeds.
    size: Spearman's correlation of parameters with the table's accuracy, to which `one.table` is
    compared: above 0 in `lead` the supernet ranks cells better than their size does.
    """

    cells: int
    supernets: int
    epochs: dict[int, Estimate]
    one: Sharing
    several: Sharing | None
    gain: Estimate | None
    size: Estimate | None
    lead: Estimate | None


def analyse_stability(
    console: Console,
    options: SupernetOptions,
    *,
    space: SpaceId,
    searcher: str,
    epochs: int,
    groups: int,
) -> AnalysisReport:
    """Train supernets of several seeds, of all cells and of groups of them, score, and publish.

    UserError, or another of this project's errors: bad input; nothing is written then.
    """
    if options.supernets < 2:
        raise UserError("--supernets must be 2 at least: ranks are compared between seeds")
    if epochs < 2:
        raise UserError("--epochs must be 2 at least: ranks are compared between epochs")
    settings = search_settings(searcher, options.dataset, options.overrides)
    if groups > 1 and not _draws_uniformly(searcher):
        raise UserError(
            f"--groups {groups}: {searcher} does not train on uniformly drawn cells, so that "
            "its supernet cannot be given a group of them; --groups 1 leaves groups out"
        )
    table, search_space = table_and_space(options.table, space)
    sample = shared_sample(table, search_space, options.cells, options.seed)

    plan = SupernetPlan(options)
    whole = plan.supernets(searcher, settings, space, epochs)
    points = sorted({*spread(epochs), epochs - 1})
    for epoch in points:
        plan.add(whole, epoch, sample)
    parts = _split(whole, table, search_space, sample, groups, options.seed)
    for of_seed in parts:
        for supernet, own in of_seed:
            plan.add([supernet], epochs, sample.part(own))

    with plan.run(console):
        with working(console, "resampling"):
            by_epoch = {epoch: plan.scores(whole, epoch, sample) for epoch in points}
            grouped = [_joined(plan, of_seed, epochs, sample) for of_seed in parts]
            rng = np.random.default_rng([options.seed, search_space.entropy, 1])
            found = stability_of(by_epoch, grouped, groups, sample, resamples(len(sample), rng))

        title = f"{heading_of(space)}, {searcher}, {epochs} epochs"
        return publish(
            options.folder / NAME,
            rows(space, searcher, found),
            lambda: draw(title, found),
            [*pair_notes(options.dataset, options.table), *sentences(title, found)],
        )


def stability_of(
    by_epoch: dict[int, list[Array]],
    grouped: list[Array],
    groups: int,
    sample: Sample,
    weights: Array,
) -> Stability:
    """From the scores of each supernet (n,) after each epoch, those by groups, and resamples.

    grouped: for each seed, none without groups.
    """
    last = max(by_epoch)
    scores = by_epoch[last]

    def with_last(epoch: int) -> Estimate:
        before = by_epoch[epoch]
        return estimate(lambda i, w: spearman(before[i], scores[i], w), len(scores), weights, 1)

    several = _sharing(groups, grouped, sample, weights) if grouped else None
    gain = None
    if grouped:

        def gained(i: int, j: int, w: Array | None) -> Array:
            return (spearman(grouped[i], grouped[j], w) - spearman(scores[i], scores[j], w)) / 2

        half = pair_estimate(gained, len(scores), weights)  # of a statistic within -1 and 1
        gain = Estimate(2 * half.value, 2 * half.low, 2 * half.high, half.supernets)

    size = lead = None
    if not np.isnan(sample.parameters).any():
        errors, parameters = sample.test_errors, sample.parameters
        size = estimate(lambda _, w: spearman(parameters, -errors, w), 1, weights, 1)
        lead = estimate(
            lambda i, w: spearman(scores[i], errors, w) - spearman(parameters, -errors, w),
            len(scores),
            weights,
            2,
        )
    return Stability(
        cells=len(sample),
        supernets=len(scores),
        epochs={epoch: with_last(epoch) for epoch in sorted(by_epoch) if epoch != last},
        one=_sharing(1, scores, sample, weights),
        several=several,
        gain=gain,
        size=size,
        lead=lead,
    )


def _sharing(groups: int, scores: Sequence[Array], sample: Sample, weights: Array) -> Sharing:
    errors, parameters = sample.test_errors, sample.parameters
    places = np.array([percentiles(own) for own in scores])
    by_size = None
    if not np.isnan(parameters).any():
        by_size = estimate(
            lambda i, w: spearman(parameters, -scores[i], w), len(scores), weights, 1
        )
    return Sharing(
        groups=groups,
        seeds=pair_estimate(
            lambda i, j, w: spearman(scores[i], scores[j], w), len(scores), weights
        ),
        table=estimate(lambda i, w: spearman(scores[i], errors, w), len(scores), weights, 1),
        parameters=by_size,
        deviation=float(places.std(axis=0, ddof=1).mean()),
    )


_Part = tuple[Supernet, NDArray[np.int64]]
"""A supernet of a group of cells, and the rows of the sample that are in the group."""


def _split(
    whole: Sequence[Supernet],
    table: Table,
    space: EnumerableSpace,
    sample: Sample,
    groups: int,
    seed: int,
) -> list[list[_Part]]:
    """For each seed the supernets of its groups, drawn at random; none for one group."""
    if groups == 1:
        return []
    of_configuration = table.entry_of(space)
    entries = len(table.entries(space))
    found = []
    for number, supernet in enumerate(whole):
        rng = np.random.default_rng([seed, space.entropy, number, groups, 4])
        group_of = rng.permutation(np.arange(entries) % groups)
        sampled = group_of[of_configuration[sample.configurations]]
        members = [np.flatnonzero(group_of == group) for group in range(groups)]
        found.append(
            [
                (restricted(supernet, table, space, own), np.flatnonzero(sampled == group))
                for group, own in enumerate(members)
                if (sampled == group).any()
            ]
        )
    return found


def _joined(plan: SupernetPlan, parts: Sequence[_Part], epoch: int, sample: Sample) -> Array:
    """The score of each cell by the supernet of its group, (n,)."""
    scores = np.empty(len(sample))
    for supernet, own in parts:
        [scores[own]] = plan.scores([supernet], epoch, sample.part(own))
    return scores


def _draws_uniformly(searcher: str) -> bool:
    from oneshot_hpo.searchers.random_ws import UniformSearcher

    return issubclass(searcher_class(searcher), UniformSearcher)
