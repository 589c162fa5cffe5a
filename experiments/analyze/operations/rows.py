"""The numbers of an analysis as rows: what is counted, of what, which measure, its value."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from oneshot_hpo.experiments.analyze.operations.enrichment import Enrichment
from oneshot_hpo.experiments.analyze.operations.findings import Analysis
from oneshot_hpo.experiments.analyze.operations.skew import ShapeEstimate

Row = tuple[str, str, str, float]


def rows(analysis: Analysis) -> list[dict[str, Any]]:
    """Rows of a CSV file, all with the same keys; errors, regrets and gains in [0, 1]."""
    keys = ("analysis", "item", "measure", "value")
    return [dict(zip(keys, row, strict=True)) for row in _rows(analysis)]


def _rows(analysis: Analysis) -> Iterator[Row]:
    population = analysis.population
    yield "cells", population.name, "cells", len(population)
    yield "cells", population.name, "best cells", int(analysis.best.sum())
    yield "cells", population.name, "lowest test error", float(population.errors.min())
    if population.difference_noise is not None:
        yield "cells", population.name, "noise of a difference", population.difference_noise

    for one in analysis.counts:
        yield from _enrichment("count", one, population.operations)
    for one in analysis.combinations:
        yield from _enrichment("combination", one, population.operations)

    for subset in analysis.subsets:
        item = " + ".join(subset.operations)
        yield "subset", item, "cells", subset.cells
        yield "subset", item, "lowest test error", subset.lowest_error
        yield "subset", item, "regret", subset.regret

    for pair in analysis.replacements:
        item = f"{pair.better} for {pair.worse}"
        yield "replacement", item, "pairs", len(pair.gains)
        yield "replacement", item, "mean gain", pair.mean
        yield "replacement", item, "median gain", pair.median
        yield "replacement", item, "share of pairs better", pair.wins

    yield from _shape_estimate("skewness", analysis.shape.skewness)
    yield from _shape_estimate("quartile skewness", analysis.shape.quartile_skewness)
    yield "accuracies", "upper half of the range", "share", analysis.shape.upper_half


def _enrichment(kind: str, one: Enrichment, operations: tuple[str, ...]) -> Iterator[Row]:
    item = " + ".join(
        f"{count} {name}"
        for count, name in zip(one.counts, operations, strict=True)
        if count is not None
    )
    yield kind, item, "cells", one.cells
    yield kind, item, "share", one.share
    yield kind, item, "share of best", one.share_of_best
    yield kind, item, "lift", one.lift
    yield kind, item, "lowest test error", one.lowest_error


def _shape_estimate(item: str, one: ShapeEstimate) -> Iterator[Row]:
    yield "accuracies", item, "value", one.value
    yield "accuracies", item, "interval low", one.low
    yield "accuracies", item, "interval high", one.high
