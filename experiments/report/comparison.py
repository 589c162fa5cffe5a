"""The page's comparison of tuned and default, in the words of `oneshot-hpo compare`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from oneshot_hpo.experiments.compare.comparing import SEED, Space, compare_sources
from oneshot_hpo.experiments.compare.sources import confirmed_study, read_sources
from oneshot_hpo.experiments.compare.statistics import median_interval
from oneshot_hpo.experiments.compare.units import interval, points
from oneshot_hpo.experiments.compare.wording import heading, sentences
from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.experiments.numbers.sample import REGRET, Sample
from oneshot_hpo.experiments.objectives.section import LOSS
from oneshot_hpo.experiments.pages.table import Cell, Column, Row, Table
from oneshot_hpo.experiments.pages.values import NOTHING, count, epochs
from oneshot_hpo.experiments.report.headline import Card
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.experiments.terminal.hints import command

_UNITS = {REGRET: " points", LOSS: ""}
_IN_UNITS = {REGRET: ", in points", LOSS: ""}
"""By measure; errors are in percent."""
_CRASHED = Column("crashed", numeric=True)


@dataclass(frozen=True)
class ComparisonSection:
    """Tuned against default with fresh seeds, and against baselines."""

    sentences: list[tuple[str, str]] = field(default_factory=list)
    """One comparison each: its verdict, and the evidence."""
    cards: list[Card] = field(default_factory=list)
    """The first comparison in numbers: tuned against default, if both were confirmed."""
    table: Table | None = None
    """Regrets by method."""
    notes: list[str] = field(default_factory=list)
    """Caveats of the comparisons."""
    reason: str | None = None
    """Why there is no comparison."""
    command: str | None = None
    """The command that makes one possible."""


def read(study: OpenedStudy, baselines: Sequence[Path]) -> ComparisonSection:
    """The comparison, or why there is none.

    UserError: one of `baselines` is not a file of baselines, or is of another table or space.
    """
    _, files = read_sources([str(path) for path in baselines])
    if len(files) < len(baselines):
        found = {file.source for file in files}
        source = next(path for path in baselines if str(path) not in found)
        raise UserError(f"{source} is not a run of baselines; use oneshot-hpo compare for studies")

    confirm = command("confirm", study.folder)
    if study.confirmation is None:
        if not study.spec.iterations:
            return ComparisonSection(reason="Nothing was tuned, and the search was not repeated.")
        for file in files:
            file.samples(study.spec.required_space, study.located.required_table, None)
        if not _is_ready(study):
            return ComparisonSection(
                reason="There is nothing to confirm yet: no evaluation at the largest budget, "
                f"{epochs(study.spec.max_budget)}, has finished without a crash."
            )
        return ComparisonSection(
            reason="Not confirmed: every number above comes from one search with one seed. "
            "Search again with fresh seeds to see whether tuned is better than default.",
            command=confirm,
        )

    try:
        confirmed = confirmed_study(study)
    except UserError as error:
        reason = f"The confirmation has no result yet: {error}."
        return ComparisonSection(reason=reason, command=confirm)
    [space] = compare_sources([confirmed], files)
    return ComparisonSection(
        sentences=[_parted(sentences(space, pairing)) for pairing in space.pairings],
        cards=_cards(space),
        table=_table(space),
        notes=space.notes,
    )


def _is_ready(study: OpenedStudy) -> bool:
    """Whether there is an incumbent to confirm."""
    incumbent = study.view.incumbent
    return incumbent is not None and incumbent[0].budget == study.view.settings.max_budget


def _parted(text: str) -> tuple[str, str]:
    said, _, grounds = text.partition(". ")
    return f"{said}.", grounds


def _cards(space: Space) -> list[Card]:
    if not space.pairings:
        return []
    pairing = space.pairings[0]
    verdict = pairing.comparison.verdict
    tuned, default = space.name(pairing.first), space.name(pairing.second)
    than = f"than {default}" if pairing.comparison.shown else f"better or worse than {default}"
    cards = [Card(f"{tuned}, with fresh seeds", verdict, than)]
    for sample in (pairing.first, pairing.second):
        limits = median_interval(sample.values, np.random.default_rng(SEED))
        bounds = interval(limits, sample.measure)
        median = float(np.median(sample.values))
        words = f"of {len(sample.values)} seeds" + (f", 95 %: {bounds}" if bounds else "")
        value = points(median, sample.measure)
        value += "" if np.isinf(median) else _UNITS.get(sample.measure, " %")
        cards.append(Card(f"{space.name(sample)}: median {sample.measure}", value, words))
    return cards


def _table(space: Space) -> Table:
    rows = []
    has_crashes = any(sample.crashed for sample in space.samples)
    for sample in space.samples:
        median = float(np.median(sample.values))
        bounds = median_interval(sample.values, np.random.default_rng(SEED))
        cells = [
            Cell(space.name(sample)),
            count(len(sample.values)),
            _points(median, sample),
            Cell(interval(bounds, sample.measure)),
            _points(sample.mean, sample),
            NOTHING if np.isnan(sample.deviation) else _points(sample.deviation, sample),
        ]
        rows.append(Row([*cells, *([count(sample.crashed)] if has_crashes else [])]))
    measure, caption = space.samples[0].measure, heading(space)
    return Table(
        name="comparison-table",
        caption=f"{caption[:1].upper()}{caption[1:]}{_IN_UNITS.get(measure, ', in percent')}",
        columns=[*_columns(measure), *([_CRASHED] if has_crashes else [])],
        rows=rows,
    )


def _columns(measure: str) -> tuple[Column, ...]:
    return (
        Column("what"),
        Column("seeds", numeric=True),
        Column("median", numeric=True, hint=f"{measure}{_IN_UNITS.get(measure, ', in percent')}"),
        Column("95 % interval", hint="of the median, by bootstrap"),
        Column("mean", numeric=True, hint="of the searches that did not crash"),
        Column("deviation", numeric=True, hint="standard deviation between seeds"),
    )


def _points(value: float, sample: Sample) -> Cell:
    return Cell(points(value, sample.measure), value)
