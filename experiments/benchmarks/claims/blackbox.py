"""Kept studies beside black-box optimizers, at equal cost; needs the table and `baselines run`.

Each kept study is compared with every method of a file of baselines after as many evaluations, and
after as many seconds of search and of training each cell found (`compare --at-equal`). The rows go
to `results/tables/blackbox.csv`, which the page of claims reads. P values hold for all methods of
one study and one kind of cost together. Beside it are figures of all of them on one clock,
`regret_seconds_SPACE.png`.

    oneshot-hpo baselines run --space 1,2,3 --table nasbench101 \\
        --methods rs,re,reinforce,tpe,hyperband,bohb --dir runs/bb
    python -m oneshot_hpo.experiments.benchmarks.claims.blackbox runs/bb
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from oneshot_hpo import experiments
from oneshot_hpo.experiments.benchmarks.claims.claim import Case, Claim, by_sign
from oneshot_hpo.experiments.benchmarks.claims.kept import Kept, kept_studies
from oneshot_hpo.experiments.benchmarks.claims.sources import SLIDES
from oneshot_hpo.experiments.benchmarks.claims.tables import FOLDER
from oneshot_hpo.experiments.benchmarks.claims.tuning import ratio_words, seeds_words
from oneshot_hpo.experiments.compare.at_equal import EQUAL, NothingTrained
from oneshot_hpo.experiments.compare.comparing import compare
from oneshot_hpo.experiments.numbers.regret import regret_curves
from oneshot_hpo.experiments.numbers.sources import read_figure_sources
from oneshot_hpo.search_spaces.rows_file import ROWS
from oneshot_hpo.search_spaces.space import tag_of
from oneshot_hpo.whole_files import whole_file

RESULTS = Path(experiments.__file__).parent / "results"
NAME = "blackbox.csv"
COLUMNS = ("study", "label", "method", "equal", "n", "ratio", "effect", "p", "sign")
COMMANDS = (
    "oneshot-hpo baselines run --space 1,2,3 --table nasbench101 "
    "--methods rs,re,reinforce,tpe,hyperband,bohb --dir runs/bb",
    "python -m oneshot_hpo.experiments.benchmarks.claims.blackbox runs/bb",
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Writes the rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("baselines", help="a folder or file of `baselines run`")
    parser.add_argument("--results", type=Path, default=RESULTS)
    given = parser.parse_args(arguments)

    folder = given.results / FOLDER
    folder.mkdir(exist_ok=True)
    with kept_studies(given.results) as kept:
        found = [row for one in kept for row in rows(one, given.baselines)]
        draw(kept, given.baselines, folder)
    with (folder / NAME).open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(found)


def rows(one: Kept, baselines: str) -> Iterator[dict[str, str]]:
    """The tuned setting of a kept study beside each method. UserError: the table is missing."""
    if not one.is_confirmed:
        return
    # With the whole table, as baselines are of all of its cells.
    (one.study.folder / ROWS).unlink(missing_ok=True)
    for equal in EQUAL:
        common = {"study": one.name, "label": one.label, "equal": equal}
        try:
            [space] = compare(f"{one.source}:tuned", baselines, at_equal=equal)
        except NothingTrained as error:
            told = str(error).partition(": ")[2]
            yield common | {"method": "black-box optimizers", "ratio": told, "sign": "0"}
            continue
        for pairing in space.pairings:
            comparison = pairing.comparison
            sign = (1 if comparison.effect > 0 else -1) if comparison.shown else 0
            yield common | {
                "method": pairing.second.method,
                "n": seeds_words(pairing),
                "ratio": ratio_words(pairing),
                "effect": f"{comparison.effect:+.2f}",
                "p": f"{comparison.p_value:.3g}",
                "sign": str(sign),
            }


def draw(kept: Sequence[Kept], baselines: str, folder: Path) -> None:
    """A figure of each space: studies, their confirmations and the methods on one clock."""
    # Here, for the page of claims needs no matplotlib.
    from oneshot_hpo.experiments.figures.regret import draw_regret
    from oneshot_hpo.experiments.figures.style import styled

    sources = read_figure_sources([*(one.source for one in kept), baselines])
    with styled():
        for space in sources.spaces:
            panels = [
                regret_curves(sources, space, "seconds", error) for error in ("valid", "test")
            ]
            with whole_file(folder / f"regret_seconds_{tag_of(space)}.png") as file:
                draw_regret(panels).savefig(file, format="png")


def claims(results: Path) -> list[Claim]:
    """One for each kind of cost."""
    path = results / FOLDER / NAME
    found = []
    if path.is_file():
        with path.open(newline="") as file:
            found = list(csv.DictReader(file))
    return [
        Claim(
            said=said,
            source=f"{SLIDES}, pages 23 and 24" if equal == "evaluations" else _OUR_QUESTION,
            commands=COMMANDS,
            measure="median regret of the method over that of the tuned searcher, 95 %; rank-"
            "biserial correlation, p value of all methods together",
            rule="Confirmed where the tuned searcher is better (p below 0.05, test of Mann and "
            "Whitney, Holm), contradicted where it is worse; otherwise not shown.",
            limits="A method's regret is that of the best cell that it has trained; a study's are "
            "those of one new search each with the configuration that it chose. Searches ran on "
            "one machine, trainings of the table on another.",
            cases=tuple(
                Case(
                    f"{row['label']}, against {row['method']}",
                    row["n"],
                    _value(row),
                    by_sign(int(row["sign"])),
                )
                for row in found
                if row["equal"] == equal
            ),
        )
        for equal, said in _SAID.items()
    ]


def _value(row: dict[str, str]) -> str:
    """The ratio with effect and p value, or why there is none."""
    if not row["p"]:
        return row["ratio"]
    return f"{row['ratio']}; effect {row['effect']}, p = {row['p']}"


_OUR_QUESTION = f"the question behind the figures of {SLIDES}: the same at the same compute"
_SAID = {
    "evaluations": "Tuned, they find better cells than black-box optimizers with the same number "
    "of evaluations.",
    "seconds": "Tuned, they find better cells than black-box optimizers in the same time: seconds "
    "of search and of training each cell found.",
    "search-seconds": "Tuned, they find better cells than black-box optimizers in as many seconds "
    "of training as the study had of search alone.",
}


if __name__ == "__main__":
    main()
