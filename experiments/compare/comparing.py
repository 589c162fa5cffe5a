"""Chooses the comparisons: each study's tuned with its default, the first sample with all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike, fspath
from typing import Literal

from oneshot_hpo.experiments.compare.at_equal import Equal, baselines_beside, read_equal
from oneshot_hpo.experiments.compare.margin import (
    Margin,
    check_margin,
    known_table,
    margin_of,
    table_of,
)
from oneshot_hpo.experiments.compare.sources import Study, read_sources
from oneshot_hpo.experiments.compare.statistics import Comparison, Question, compare_all
from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.experiments.numbers.baselines_file import Baselines
from oneshot_hpo.experiments.numbers.sample import Origin, Sample, matched, shared_standing
from oneshot_hpo.experiments.objectives.section import ON_TEST, TEST_MEAN
from oneshot_hpo.experiments.wording import configuration
from oneshot_hpo.search_spaces import SpaceId, ordered
from oneshot_hpo.search_spaces.table_file import table_checksum

SEED = 0
"""Seed of bootstraps and permutations, reset for each sample and comparison."""


@dataclass(frozen=True)
class Pairing:
    """Two samples and their comparison."""

    first: Sample
    second: Sample
    comparison: Comparison


@dataclass(frozen=True)
class Space:
    """All samples of one search space, and the comparisons among them."""

    id: SpaceId | None
    """None: of studies that name no space."""
    samples: list[Sample]
    pairings: list[Pairing]
    notes: list[str]
    """Caveats of the comparisons, a sentence each."""

    def name(self, sample: Sample) -> str:
        """A sample's name: its method, and what distinguishes it from others of that method.

        These are the settings that differ, or the source if all settings are equal.
        """
        others = [one for one in self.samples if one.method == sample.method and one is not sample]
        if not others:
            return sample.method
        own = {
            key: value
            for key, value in sample.settings.items()
            if any(other.settings.get(key) != value for other in others)
        }
        if any(all(other.settings.get(k) == v for k, v in own.items()) for other in others):
            return f"{sample.method} [{sample.source}]"
        return f"{sample.method}, {configuration(own)}"


def compare(
    *sources: str | PathLike[str],
    margin: float | Literal["noise"] | None = None,
    at_equal: str = "evaluations",
) -> list[Space]:
    """Compare confirmed studies, their settings and baselines: one `Space` a search space.

    sources: as on the command line, the folder of a study, "FOLDER:SETTING", a file of baselines,
    "FILE:METHOD". The first is compared with each other one, and each study with its default.
    margin: a difference that does not matter, in percentage points (a loss: in its own unit), or
    "noise" for the table's noise; None: no question whether samples are the same.
    at_equal: what baselines have as much of as the first study: evaluations, seconds (of search and
    of training each cell found) or search-seconds.

    UserError: a source is not there, not confirmed, named twice, or of another table; or the margin
    is not above 0, or there is no noise; or what is to be equal is not known of the first study.
    """
    equal = read_equal(at_equal)
    studies, baselines = read_sources([fspath(source) for source in sources])
    return compare_sources(studies, baselines, margin, equal=equal)


def compare_sources(
    studies: Sequence[Study],
    baselines: Sequence[Baselines],
    margin: float | Literal["noise"] | None = None,
    *,
    equal: Equal = "evaluations",
) -> list[Space]:
    """Samples and comparisons by search space; margin, and equal (`at_equal`): as in `compare`.

    Each study's main sample is compared with its default; the first main sample of a space with
    every other one and with every baseline. P values hold for all comparisons together.

    UserError: the sources use different tables, or a file has no results in the studies' spaces; or
    as `compare` for margin and cost.
    """
    check_margin(margin)
    tables = {
        table_checksum(study.spec.table): study for study in studies if study.spec.table is not None
    }
    if len(tables) > 1:
        first, second = list(tables.values())[:2]
        raise UserError(
            f"{first.source} uses the table {first.main.table}, {second.source} uses "
            f"{second.main.table} with other content: regrets of different tables are not compared"
        )

    found = {study.main.space for study in studies} or {
        space for file in baselines for space in file.spaces
    }
    without: list[SpaceId | None] = [None] if None in found else []
    named = ordered(space for space in found if space is not None)
    spaces = [_space(space, studies, baselines, equal) for space in [*named, *without]]
    margins = [
        margin_of(space.samples, margin, table_of(studies, baselines)) for space, _ in spaces
    ]
    questions = [
        _question(one, two, limit)
        for (_, pairs), limit in zip(spaces, margins, strict=True)
        for one, two in pairs
    ]

    answers = iter(compare_all(questions, SEED))
    return [
        Space(
            space.id,
            space.samples,
            [Pairing(one, two, next(answers)) for one, two in pairs],
            [*space.notes, *limit.notes],
        )
        for (space, pairs), limit in zip(spaces, margins, strict=True)
    ]


def _space(
    searched: SpaceId | None,
    studies: Sequence[Study],
    baselines: Sequence[Baselines],
    equal: Equal,
) -> tuple[Space, list[tuple[Sample, Sample]]]:
    """The samples of a space, and the pairs to compare. UserError: they cannot be compared."""
    here = [study for study in studies if study.main.space == searched]
    mains = [study.main for study in here]
    samples: list[Sample] = []
    pairs: list[tuple[Sample, Sample]] = []
    notes = [note for study in here for note in study.notes]
    for study in here:
        samples.append(study.main)
        if study.default is not None:
            samples.append(study.default)
            pairs.append((study.main, study.default))

    for file in baselines:
        if searched is None:
            raise UserError(f"{file.path}: baselines cannot be compared with a study of no space")
        table = here[0].spec.required_table if here else known_table(file)
        found = baselines_beside(file, searched, table, here[0] if here else None, equal)
        notes.append(found.note)
        if file.objective == TEST_MEAN:
            notes.append(f"{file.path}: {ON_TEST}")
        mains += found.samples
        samples += found.samples

    _check_measures(mains)
    pairs += [(mains[0], other) for other in mains[1:]]
    notes += _budgets(mains)
    different = {sample.origin: sample for sample in reversed(samples)}
    notes += _repeated(samples, different)
    space = Space(searched, [one for one in samples if different[one.origin] is one], [], notes)
    return space, _each_once(pairs, different)


def _check_measures(samples: Sequence[Sample]) -> None:
    """Raise UserError unless all samples are of one kind of numbers."""
    for sample in samples[1:]:
        if sample.measure != samples[0].measure:
            first = samples[0]
            raise UserError(
                f"{first.source} has a {first.measure}, {sample.source} a {sample.measure}: they "
                "cannot be compared; compare studies with the same table, or without one"
            )


def _repeated(samples: Sequence[Sample], different: Mapping[Origin, Sample]) -> Iterator[str]:
    """Notes on samples that are named twice; different: the first sample of each origin."""
    for sample in samples:
        first = different[sample.origin]
        if first is not sample:
            yield f"{sample.source}: {sample.method} is in {first.source} too; it counts once"


def _each_once(
    pairs: Sequence[tuple[Sample, Sample]], different: Mapping[Origin, Sample]
) -> list[tuple[Sample, Sample]]:
    """Every pair once, in either order, and no sample with itself."""
    found: dict[frozenset[Origin], tuple[Sample, Sample]] = {}
    for one, two in pairs:
        if one.origin != two.origin:
            asked = different[one.origin], different[two.origin]
            found.setdefault(frozenset((one.origin, two.origin)), asked)
    return list(found.values())


def _budgets(samples: Sequence[Sample]) -> Iterator[str]:
    budgets = {sample.budget: sample for sample in samples if sample.budget is not None}
    if len(budgets) > 1:
        words = [f"{sample.source} {budget:g}" for budget, sample in budgets.items()]
        yield f"searches are not equally long, in epochs: {', '.join(words)}"


def _question(first: Sample, second: Sample, margin: Margin) -> Question:
    one, two, paired = matched(first, second)
    return Question(
        one,
        two,
        paired,
        second_grows=second.seconds is not None,
        margin=margin.value,
        standing=shared_standing(first, second),
    )
