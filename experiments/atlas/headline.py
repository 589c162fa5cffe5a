"""The headline of an atlas: a few numbers and sentences about the space."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from oneshot_hpo.experiments.atlas.found import StudyCells
from oneshot_hpo.experiments.atlas.space_map import SpaceMap
from oneshot_hpo.experiments.atlas.tables import chance_words
from oneshot_hpo.experiments.report.headline import Card, Headline
from oneshot_hpo.experiments.wording import percent


def read(space: SpaceMap, studies: Sequence[StudyCells], labels: Sequence[str]) -> Headline:
    """The headline of a space; errors are means of the table's repeats."""
    return Headline(
        [*_sentences(space), *map(_found, [space] * len(studies), studies, labels)], _cards(space)
    )


def _cards(space: SpaceMap) -> list[Card]:
    count = len(space.test)
    cards = [
        Card("cells", f"{count:,}", f"{space.space.num_configurations:,} configurations"),
        Card(
            "lowest test error",
            percent(float(space.test.min())),
            f"median {percent(float(np.median(space.test)))}",
        ),
    ]
    if space.noise is not None:
        repeats = space.repeats.shape[1]
        cards += [
            Card(
                "noise between seeds",
                f"{100 * space.noise:.2f} points",
                f"{100 * space.noise / repeats**0.5:.2f} for a mean of {repeats}",
            ),
            Card("like the best", f"{space.like_the_best:,}", "other cells"),
        ]
    if space.chances is not None:
        best = float(space.chances[space.test.argmin()])
        cards.append(Card("the lowest is the best", f"{chance_words(best)} %", "probability"))
    return cards


def _sentences(space: SpaceMap) -> list[str]:
    count = len(space.test)
    low, middle, high = (percent(float(q)) for q in np.quantile(space.test, (0, 0.5, 1)))
    ends = space.dead_ends
    sentences = [
        f"Test errors of the {count:,} cells go from {low} to {high}; half of them are below "
        f"{middle}."
    ]
    if space.noise is not None:
        sentences.append(
            f"The cell with the lowest error cannot be distinguished from {space.like_the_best:,} "
            "others: their means differ by less than two standard errors."
        )
    sentences.append(
        f"{ends:,} cells ({100 * ends / count:.1f} %) have no better neighbour: a search that "
        "changes one operation or one edge at a time ends in one of them."
    )
    return sentences


def _found(space: SpaceMap, study: StudyCells, label: str) -> str:
    cells = np.array([found.cell for found in study.cells])
    times = np.array([found.times for found in study.cells])
    best = cells[space.test[cells].argmin()]
    middle = float(np.median(np.repeat(space.percentiles[cells], times)))
    return (
        f"{label}: {study.searches:,} searches ended in {len(cells):,} different cells. Half of "
        f"them are better than {middle:.1f} % of the space; the best one has rank "
        f"{space.ranks[best]:,} and is {100 * space.regrets[best]:.2f} points above the lowest "
        "error."
    )
