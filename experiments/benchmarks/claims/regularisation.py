"""Claims about regularisation of the search, judged by kept rows of `analyze regularisation`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from oneshot_hpo.experiments.benchmarks.claims.claim import Case, Claim, Verdict
from oneshot_hpo.experiments.benchmarks.claims.rows import Row, claim_of
from oneshot_hpo.experiments.benchmarks.claims.sources import SLIDES


class Ablation(NamedTuple):
    """A claim about what a shipped ablation study varies."""

    said: str
    page: int
    confirmed_by: str
    """What a larger value than the default's has to be for it: better or worse."""


ABLATIONS = {
    "cutout": Ablation(
        "Cutout largely stabilises one of PC-DARTS, DARTS and GDAS in space 3, and has little or "
        "no positive effect on the others (which one the text of the slides does not say).",
        19,
        "better",
    ),
    "weight-decay": Ablation(
        "A higher weight decay makes the search less stable in space 3.", 20, "worse"
    ),
    "learning-rate": Ablation(
        "A high learning rate makes the search less stable for two of PC-DARTS, DARTS and GDAS in "
        "space 3, and better for the third (which one the text of the slides does not say).",
        21,
        "worse",
    ),
}
"""By the name of the shipped study."""


def claims(found: Sequence[Row]) -> Iterator[Claim]:
    """One for each ablation; found: rows of `analyze regularisation`."""
    for name, ablation in ABLATIONS.items():
        own = [row for row in found if row["study"].startswith(f"ablation-{name}")]
        ends = {(row["file"], row["setting"]): row for row in own}
        defaults = {row["file"]: row for row in ends.values() if not row["verdict"]}
        cases = [
            _against_default(row, ablation)
            for row in ends.values()
            if row["verdict"] and _setting(row) > _setting(defaults[row["file"]])
        ]
        yield claim_of(
            ablation.said,
            f"{SLIDES}, page {ablation.page}",
            "median test error of the cells found at the end, beside the default's",
            f"A case is that a larger value than the default ends in {ablation.confirmed_by} "
            "cells: Wilcoxon's test of pairs of equal seeds, 5 % for all of an ablation (Holm).",
            cases,
        )


def _against_default(row: Row, ablation: Ablation) -> Case:
    verdict: Verdict = "not shown"
    if row["verdict"] in ("better", "worse"):
        agrees = row["verdict"] == ablation.confirmed_by
        verdict = "confirmed" if agrees else "contradicted"
    return Case(
        f"{row['file'].partition('_')[2]}: {row['setting']}",
        f"{row['seeds']} seeds",
        f"{100 * float(row['test_error_median']):.2f} %, {row['verdict']}, "
        f"p = {float(row['p_value']):.3g}",
        verdict,
    )


def _setting(row: Row) -> float:
    """The value in a label such as "weight_decay 0.0003"."""
    return float(row["setting"].rpartition(" ")[2])
