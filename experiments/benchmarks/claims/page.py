"""The page of claims as Markdown, made from what is kept: nothing is trained, no table is read."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from oneshot_hpo.experiments.benchmarks.claims import blackbox, budgets, supernets, tables, tuning
from oneshot_hpo.experiments.benchmarks.claims.claim import NOT_MEASURED, Claim
from oneshot_hpo.experiments.benchmarks.claims.kept import Kept, kept_studies
from oneshot_hpo.experiments.benchmarks.claims.recommended import recommendations, table_lines
from oneshot_hpo.experiments.study.outcome import search_seconds

PAGE = "CLAIMS.md"
COMMAND = "python -m oneshot_hpo.experiments.benchmarks.claims"
_LONG = 90  # characters of a value, from which on cases are a list and no table

_HEAD = f"""\
# Claims of the literature, and what they are worth here

Written by `{COMMAND}` from the studies and
measurements kept in this folder; do not edit it. The command reads no table of cells and trains
nothing: run it again after each kept study. A test writes the page again and compares.

- *confirmed*, *contradicted*: the numbers decide, by the rule that the section gives.
- *confirmed in part*: for some of what the claim names.
- *not shown*: measured, and the interval or the test leaves it open.
- *{NOT_MEASURED}*: the command is there, its result is not kept yet.

Intervals are 95 %. Cases with different verdicts are counted.
"""


def written(results: Path) -> str:
    """The page of a folder of results."""
    with kept_studies(results) as kept:
        found = claims(results, kept)
        lines = [_HEAD, *_studies(kept), "## Summary", "", *_summary(found)]
        for number, claim in enumerate(found, 1):
            lines += ["", *_section(number, claim)]
        lines += ["", *_budgets(results / tables.FOLDER / budgets.NAME)]
        lines += ["", *table_lines(recommendations(kept))]
    return "\n".join(lines) + "\n"


def claims(results: Path, kept: Sequence[Kept]) -> list[Claim]:
    """All claims: of tuning, of black-box methods, of supernets, of operations."""
    better, factor, *others = tuning.claims(kept)
    return [
        better,
        factor,
        *blackbox.claims(results),
        *others,
        *supernets.claims(results),
        *tables.claims(results),
    ]


def _studies(kept: Sequence[Kept]) -> Iterator[str]:
    if not kept:
        yield "No study is kept yet: claims about tuning are not measured.\n"
        return
    yield f"Kept studies: {len(kept)}, {sum(one.is_confirmed for one in kept)} of them confirmed.\n"
    for one in kept:
        view, confirmation = one.study.view, one.study.confirmation
        runs = 0 if confirmation is None else len(confirmation.evaluations)
        hours = sum(_seconds(one)) / 3600
        yield (
            f"- [`{one.name}`]({one.name}): {one.label}; {len(view.evaluations)} evaluations and "
            f"{runs} confirming searches, {hours:.1f} hours of all searches by the clock"
        )
        for words in one.study.caveats:
            yield f"  {words}"
    yield ""


def _seconds(one: Kept) -> Iterator[float]:
    """Seconds of every search of a study and its confirmation that recorded them."""
    results = [result for _, result in one.study.view.evaluations]
    if one.study.confirmation is not None:
        results += [result for _, result in one.study.confirmation.evaluations]
    for result in results:
        yield search_seconds(result) or 0.0


def _summary(found: Sequence[Claim]) -> Iterator[str]:
    yield "| | claim | verdict |"
    yield "|---|---|---|"
    for number, claim in enumerate(found, 1):
        yield f"| {number} | {claim.said} | {claim.verdict} |"


def _section(number: int, claim: Claim) -> Iterator[str]:
    yield f"## {number}. {claim.said}"
    yield ""
    yield f"Claimed in: {claim.source}."
    yield ""
    yield f"**Verdict: {claim.verdict}.** {claim.rule}"
    yield ""
    yield "```sh"
    yield from claim.commands
    yield "```"
    if claim.cases:
        yield ""
        yield f"Values: {claim.measure}."
        yield ""
        long = any(len(case.value) > _LONG for case in claim.cases)
        yield from _list(claim) if long else _table(claim)
    for note in claim.notes:
        yield ""
        yield note
    if claim.figure is not None:
        yield ""
        yield f"![{claim.measure}]({claim.figure})"
    yield ""
    yield f"Limits: {claim.limits}"


def _table(claim: Claim) -> Iterator[str]:
    yield "| case | n | value | verdict |"
    yield "|---|---|---|---|"
    for case in claim.cases:
        yield f"| {case.what} | {case.n} | {case.value} | {case.verdict} |"


def _list(claim: Claim) -> Iterator[str]:
    for case in claim.cases:
        n = f" ({case.n})" if case.n else ""
        yield f"- {case.what}{n}: **{case.verdict}**. {case.value}."


def _budgets(path: Path) -> Iterator[str]:
    yield "## Beside the claims: budgets and imputed numbers of the table"
    yield ""
    yield "```sh"
    yield "python -m oneshot_hpo.experiments.benchmarks.claims.budgets"
    yield "```"
    yield ""
    if not path.is_file():
        yield NOT_MEASURED
        return
    yield (
        "What a search could hope for that looks at one training of each cell at a budget, and "
        "what rests on imputed numbers. The cells are all of a space, so there is no interval. "
        "Single trainings at 4, 12 and 36 epochs are modelled but for about 7 % of the cells. The "
        "best cells are those by mean test error: they differ little, so that noise decides ranks."
    )
    yield ""
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    yield from _by_budget(rows)
    yield ""
    yield from _by_origin(rows)


def _by_budget(rows: Sequence[Mapping[str, str]]) -> Iterator[str]:
    """How one training of each cell at a budget ranks them."""
    single = [row for row in rows if row["quantity"] == budgets.SINGLE]
    epochs = list(dict.fromkeys(row["epochs"] for row in single))
    yield (
        "Spearman's correlation of the validation error of one training after so many epochs with "
        "the mean test error after the most:"
    )
    yield ""
    yield f"| space | cells | n | {' | '.join(epochs)} |"
    yield f"|{'---|' * (3 + len(epochs))}"
    for space, cells in dict.fromkeys((row["space"], row["cells"]) for row in single):
        own = [row for row in single if (row["space"], row["cells"]) == (space, cells)]
        values = {row["epochs"]: f"{float(row['value']):.2f}" for row in own}
        shown = " | ".join(values[one] for one in epochs)
        yield f"| {space} | {cells} | {own[0]['n']} | {shown} |"


def _by_origin(rows: Sequence[Mapping[str, str]]) -> Iterator[str]:
    """How mean validation errors agree with mean test errors, real and imputed ones."""
    yield (
        "Mean validation error after the most epochs beside mean test error: Spearman's "
        "correlation over all cells, those whose validation error is real, and those where it is "
        "imputed; and the test regret in points of the cell with the lowest validation error, of "
        "all cells and of the real ones:"
    )
    yield ""
    yield "| space | cells | imputed | all | real | imputed ones | regret, all | regret, real |"
    yield "|---|---|---|---|---|---|---|---|"
    mean, regret = budgets.MEAN, budgets.REGRET
    wanted = (mean, f"{mean}, real", f"{mean}, imputed", regret, f"{regret}, real")
    for space, cells in dict.fromkeys((row["space"], row["cells"]) for row in rows):
        own = {
            row["quantity"]: float(row["value"])
            for row in rows
            if (row["space"], row["cells"]) == (space, cells)
        }
        shown = [f"{own[name]:.2f}" if name in own else "" for name in wanted]
        imputed = f"{own[budgets.IMPUTED]:.0f} %"
        yield f"| {space} | {cells} | {' | '.join([imputed, *shown])} |"
