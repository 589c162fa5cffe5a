"""The appendix of a bundle: what ran, with which seeds, at what cost, and what came out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from oneshot_hpo.experiments.compare.verdict.verdict import Verdict
from oneshot_hpo.experiments.exports.bundle.checklist import Facts, answers
from oneshot_hpo.experiments.exports.bundle.document import Block, Grid, Heading, Words
from oneshot_hpo.experiments.numbers.spending import spending
from oneshot_hpo.experiments.objectives.section import text
from oneshot_hpo.experiments.pages.values import epochs
from oneshot_hpo.experiments.study.config_space import space_words
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.experiments.study.pairing import short_name
from oneshot_hpo.hpo.brackets import rung_budgets
from oneshot_hpo.hpo.space_document import document_from_space
from oneshot_hpo.search_spaces import title_of
from oneshot_hpo.search_spaces.table_file import table_checksum

TITLE = "Appendix: experiments"
LEFT_OUT = "Figures that would say nothing"
"""The heading of the last section, if there is any such figure."""


def appendix(
    studies: Sequence[OpenedStudy],
    verdicts: Sequence[Verdict],
    figures: Sequence[str],
    left_out: Mapping[str, str],
) -> list[Block]:
    """All sections; figures: names of those drawn, left_out: of others, with the reason."""
    return [
        *_studies(studies),
        *_spaces(studies),
        *_seeds(studies),
        *_costs(studies),
        *_crashes(studies),
        *_verdicts(verdicts),
        *_software(studies),
        Heading("NAS best practices checklist"),
        Words(["After Lindauer and Hutter (2020), JMLR 21(243); what is open is for the authors."]),
        Grid(("question", "answer"), answers(Facts(studies, figures))),
        *_left_out(left_out),
    ]


def _studies(studies: Sequence[OpenedStudy]) -> Iterator[Block]:
    yield Heading("Studies")
    rows = []
    for study in studies:
        spec = study.spec
        budgets = ", ".join(f"{budget:g}" for budget in rung_budgets(study.view.settings))
        rows.append(
            (
                *(study.source, spec.searcher),
                "" if spec.space is None else title_of(spec.space),
                "" if spec.dataset is None else short_name(spec.dataset),
                study.table_name or "none",
                spec.space_label,
                *(budgets, f"{spec.iterations}", f"{spec.eta:g}", text(spec.objective)),
            )
        )
    heads = ("study", "searcher", "space", "data set", "table", "tuned in", "budgets (epochs)")
    yield Grid((*heads, "brackets", "eta", "objective"), rows)
    yield Words([f"{study.source}: {words}" for study in studies for words in study.caveats])


def _spaces(studies: Sequence[OpenedStudy]) -> Iterator[Block]:
    yield Heading("Configuration spaces")
    for study in studies:
        if not len(study.view.space):
            yield Words([f"{study.source} tunes nothing."])
            continue
        rows = list(space_words(document_from_space(study.view.space)).items())
        yield Words([f"{study.source}:"])
        yield Grid(("hyperparameter", "values"), rows)


def _seeds(studies: Sequence[OpenedStudy]) -> Iterator[Block]:
    yield Heading("Seeds")
    lines = []
    for study in studies:
        words = f"{study.source}: study seed {study.view.settings.seed}"
        if study.confirmation is not None:
            seeds = dict.fromkeys(run.seed for run, _ in study.confirmation.evaluations)
            words += (
                f"; fresh seeds of the confirmation: {', '.join(map(str, seeds)) or 'none yet'}"
            )
        lines.append(words)
    yield Words(lines, listed=True)


def _costs(studies: Sequence[OpenedStudy]) -> Iterator[Block]:
    yield Heading("Cost")
    rows = []
    for study in studies:
        parts = {"study": spending(study.view.evaluations)}
        if study.view.replicates:
            parts["replicates"] = spending(study.view.replicates)
        if study.confirmation is not None:
            for name in study.confirmation.settings:
                runs = study.confirmation.results_of(name).values()
                parts[f"confirmation of {name}"] = spending(runs)
        for part, spent in parts.items():
            counts = f"{spent.searches}", f"{spent.crashed}"
            rows.append((study.source, part, *counts, spent.hours))
    yield Grid(("study", "part", "searches", "crashed", "time"), rows)


def _crashes(studies: Sequence[OpenedStudy]) -> Iterator[Block]:
    yield Heading("Crashes and lost workers")
    lines = []
    for study in studies:
        results = [result for _, result in study.view.evaluations]
        if study.confirmation is not None:
            results += [result for _, result in study.confirmation.evaluations]
        reasons = Counter(str(r.exception).partition(":")[0] for r in results if r.crashed)
        lines += [f"{study.source}: {count} × {reason}" for reason, count in reasons.most_common()]
        if study.view.retries:
            lines.append(f"{study.source}: {len(study.view.retries)} attempts lost their worker")
    yield Words(lines or ["none"], listed=bool(lines))


def _verdicts(verdicts: Sequence[Verdict]) -> Iterator[Block]:
    yield Heading("Verdicts")
    if not verdicts:
        yield Words(["No study was confirmed with fresh seeds: there is no verdict."])
    for verdict in verdicts:
        yield Words([verdict.claim])
        yield Grid(("", ""), [(fact.label, fact.words) for fact in verdict.facts])
        yield Words([f"{one.kind}: {one.words}" for one in verdict.threats.found], listed=True)


def _software(studies: Sequence[OpenedStudy]) -> Iterator[Block]:
    yield Heading("Software, machines and tables")
    lines = []
    for study in studies:
        versions = ", ".join(f"{name} {value}" for name, value in study.spec.versions.items())
        lines.append(f"{study.source}: {versions or 'versions are not recorded'}")
        machine = study.view.header.get("machine") or {}
        gpus = machine.get("gpus") or []
        shown = {key: value for key, value in machine.items() if key != "gpus"}
        words = ", ".join(f"{key} {value}" for key, value in shown.items())
        lines.append(f"{study.source}, its master: {words}, GPUs {', '.join(gpus) or 'none'}")
        workers = "as many as the machine had" if study.spec.workers is None else study.spec.workers
        lines.append(f"{study.source}: workers {workers}, {epochs(study.spec.max_budget)} at most")
        if study.located.table is not None:
            checksum = table_checksum(study.located.table)
            lines.append(f"{study.source}: table {study.table_name}, SHA-256 {checksum}")
    yield Words(lines, listed=True)


def _left_out(left_out: Mapping[str, str]) -> Iterator[Block]:
    if left_out:
        yield Heading(LEFT_OUT)
        yield Words([f"{name}: {reason}" for name, reason in left_out.items()], listed=True)
