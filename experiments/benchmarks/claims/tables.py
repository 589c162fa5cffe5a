"""Claims about operations, judged by what `analyze operations` found in tables, and kept."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from oneshot_hpo.experiments.benchmarks.claims.claim import VERDICTS, Case, Claim, Verdict
from oneshot_hpo.experiments.benchmarks.claims.sources import OPERATIONS

FOLDER = "tables"
COMPARED = "operations_compared"
COMMANDS = (
    "oneshot-hpo analyze operations --space 1,2,3 --all --table nasbench101 --dir ops",
    "oneshot-hpo analyze operations --table nasbench101,nasbench201,nasbench201:cifar100,"
    "nasbench201:imagenet16,transnas-micro,transnas-macro --dir ops",
    "cp ops/operations_*.txt ops/operations_compared.* experiments/results/tables",
)
_FINDING = re.compile(
    r"- (?P<claim>.+?) — (?P<verdict>confirmed in part|confirmed|contradicted|not decided): "
    r"(?P<why>.+)\."
)
_CELLS = re.compile(r"(?P<what>.+): the best [\d,]+ of them against all (?P<cells>[\d,]+)")
_IMPUTED = "the table of NAS-Bench-101 is completed, its mean test errors are real"

_RELIABLE = "other data sets than CIFAR-10 rank methods more reliably"
SAID = {
    "convolutions matter most": "Convolutions have the highest impact on the performance of cells.",
    "certain combinations of operations are favoured by the best cells": (
        "Certain combinations of operations favour the best cells."
    ),
    "few operations suffice": (
        "A few of the operations suffice for cells close to the best performance."
    ),
    "accuracies are negatively skewed": (
        "The distribution of performances is negatively skewed: most cells are in its upper part."
    ),
    _RELIABLE: (
        "Searching on NAS-Bench-201, ImageNet16-120 and TransNAS-Bench-101 gives more reliable "
        "results than on CIFAR-10 alone."
    ),
}
"""The paper's claims, by the words of the analysis."""


class Finding(NamedTuple):
    """A finding of an analysis as it was written."""

    subject: str
    cells: str
    claim: str
    verdict: Verdict
    why: str


def claims(results: Path) -> list[Claim]:
    """One for each finding of the paper; cells that two files are of count once."""
    paths = sorted((results / FOLDER).glob("operations_*.txt"))
    read = [one for path in paths for one in findings(path)]
    found = {(one.subject, one.claim): one for one in read}.values()
    picture = f"{FOLDER}/{COMPARED}.png"
    drawn = picture if (results / picture).is_file() else None
    return [
        Claim(
            said=said,
            source=OPERATIONS,
            commands=COMMANDS,
            measure="what the table says",
            rule="That of the analysis; `experiments/analyze/README.md` describes it.",
            limits=f"Complete tables: intervals are over resamples of cells, where there are any; "
            f"{_IMPUTED}.",
            cases=tuple(
                Case(one.subject, one.cells, one.why, one.verdict)
                for one in found
                if one.claim == words
            ),
            figure=drawn if words == _RELIABLE else None,
        )
        for words, said in SAID.items()
    ]


def findings(path: Path) -> Iterator[Finding]:
    """The findings in a text of `analyze operations`, in its order."""
    first, *lines = path.read_text().splitlines()
    subject = _CELLS.fullmatch(first)
    what, cells = (subject["what"], f"{subject['cells']} cells") if subject else (first, "")
    for line in lines:
        found = _FINDING.fullmatch(line)
        if found is None:
            continue
        word = found["verdict"].replace("not decided", "not shown")
        verdict = next(known for known in VERDICTS if known == word)
        yield Finding(what, cells, found["claim"], verdict, found["why"])
