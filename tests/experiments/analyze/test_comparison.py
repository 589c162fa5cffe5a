"""Tables side by side: what the best cells prefer, and how reliably methods are ranked."""

import csv
import re
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("matplotlib", reason="needs the extra figures")

from rich.console import Console
from support.made_table import registered

from oneshot_hpo.experiments.analyze.operations.comparing import Compared, reliable
from oneshot_hpo.experiments.analyze.operations.findings import analyse
from oneshot_hpo.experiments.analyze.operations.making import analyse_operations
from oneshot_hpo.experiments.analyze.operations.method_ranks import (
    METHODS,
    REPETITIONS,
    MethodRanks,
    agreement_of,
    rank_methods,
)
from oneshot_hpo.experiments.analyze.operations.population import of_space
from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.search_spaces import load_table


def test_comparisons_agree_where_methods_differ_by_more_than_chance() -> None:
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(4, 40 * REPETITIONS))
    apart, error = agreement_of(noise + 10 * np.arange(4)[:, None])
    assert (apart, error) == (1, 0)
    alike, error = agreement_of(noise)
    assert abs(alike) < 3 * error < 0.5
    assert agreement_of(np.zeros_like(noise)) == (0, 0)


@pytest.mark.slow
def test_methods_are_ranked_alike_from_the_same_seed() -> None:
    ranks = rank_methods("digits", 1, 0)
    assert tuple(ranks.medians) == METHODS and ranks == rank_methods("digits", 1, 0)
    assert -1 <= ranks.agreement <= 1 and ranks.standard_error > 0
    assert ranks != rank_methods("digits", 1, 1)
    best = load_table("digits").mean_errors("test", np.arange(2685)).min()
    assert all(best <= error < 0.05 for error in ranks.medians.values())


@pytest.mark.parametrize(
    ("agreements", "verdict"),
    [
        ({"cifar10": 0.2, "digits": 0.6}, "confirmed"),
        ({"cifar10": 0.6, "digits": 0.2}, "contradicted"),
        ({"cifar10": 0.2, "digits": 0.25}, "not decided"),
        ({"digits": 0.6}, "not decided"),
    ],
)
def test_the_verdict_follows_from_the_agreements(
    agreements: dict[str, float], verdict: str
) -> None:
    analysis = analyse(of_space(load_table("digits"), 1), 0.05, 0)
    tables = [
        Compared(dataset, dataset, analysis, MethodRanks({}, agreement, 0.05))
        for dataset, agreement in agreements.items()
    ]
    found = reliable(tables)
    assert found.verdict == verdict
    for dataset, agreement in agreements.items():
        assert f"{dataset} {agreement:.2f} ± 0.05" in found.why


@pytest.mark.slow
def test_several_tables_end_in_one_figure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = registered(monkeypatch, tmp_path)
    reports = analyse_operations(
        Console(quiet=True),
        spaces="",
        all_cells=False,
        table=f"digits, {made}",
        top=5.0,
        folder=tmp_path / "out",
    )
    stems = ["operations_digits-space1", f"operations_{made.stem}", "operations_compared"]
    assert [report.path.name for report in reports] == stems
    assert (tmp_path / "out" / "operations_compared.pdf").stat().st_size > 1000

    with (tmp_path / "out" / "operations_compared.csv").open() as file:
        rows = {(row["table"], row["measure"]): float(row["value"]) for row in csv.DictReader(file)}
    population = of_space(load_table("digits"), 1)
    best = population.best(0.05)
    ratio = population.counts[best].mean(0) / population.counts.mean(0)
    assert rows["digits, space 1", "cells"] == 2685 and rows[str(made), "cells"] == 96
    for name, value in zip(population.operations, ratio, strict=True):
        short = {"3": "conv 3×3", "1": "conv 1×1"}.get(name.removeprefix("conv")[0], "max pool")
        measure = f"{short}: the best cells' number by that of all"
        assert rows["digits, space 1", measure] == pytest.approx(value)

    assert reports[-1].sentences[0] == "2 tables side by side"
    agreement = rows["digits, space 1", "agreement of comparisons"]
    assert re.search(rf"digits, space 1 {agreement:.2f} ±", reports[-1].sentences[-1])


def test_all_cells_of_several_tables_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="--all takes one table"):
        analyse_operations(
            Console(quiet=True),
            spaces="",
            all_cells=True,
            table="digits,nasbench201",
            top=5.0,
            folder=tmp_path / "out",
        )
    assert not (tmp_path / "out").exists()
