"""The page of claims is what the command writes, and says what kept studies and rows say."""

from __future__ import annotations

import csv
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from support.data_imports import imported
from support.made_study import confirm, run_study
from support.plans import plan, write_baselines

from oneshot_hpo.experiments.analyze.operations.findings import analyse, findings
from oneshot_hpo.experiments.analyze.operations.making import _sentences
from oneshot_hpo.experiments.analyze.operations.population import of_space
from oneshot_hpo.experiments.benchmarks.claims import blackbox, budgets, supernets, tables, tuning
from oneshot_hpo.experiments.benchmarks.claims.__main__ import main
from oneshot_hpo.experiments.benchmarks.claims.budgets import RESULTS
from oneshot_hpo.experiments.benchmarks.claims.claim import NOT_MEASURED, Case, Claim
from oneshot_hpo.experiments.benchmarks.claims.kept import kept_studies
from oneshot_hpo.experiments.benchmarks.claims.page import PAGE, claims, written
from oneshot_hpo.experiments.compare.at_equal import EQUAL
from oneshot_hpo.experiments.compare.comparing import compare
from oneshot_hpo.experiments.compare.shift import Interval
from oneshot_hpo.experiments.exports.bundle.study_folder import write_study_folder
from oneshot_hpo.experiments.numbers.one_shot import one_shot_correlation
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.search_spaces import get_space, load_table
from oneshot_hpo.search_spaces.data_folder import VARIABLE

SMALL = ("max_budget=4", "min_budget=1", "eta=2", "iterations=6", "seed=1")
SEEDS = 8


@pytest.fixture
def no_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without any data."""
    monkeypatch.setenv(VARIABLE, str(tmp_path / "none"))


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A confirmed study with simulated searches."""
    made = run_study(tmp_path_factory.mktemp("studies") / "one", *SMALL)
    confirm(made, SEEDS)
    return made


@pytest.fixture(scope="module")
def simulated(study: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of results with one kept study. Not to be changed."""
    results = tmp_path_factory.mktemp("results")
    write_study_folder(study, results / "digits_darts")
    return results


@pytest.mark.usefixtures("no_data")
def test_the_committed_page_is_not_stale() -> None:
    """If this fails: `python -m oneshot_hpo.experiments.benchmarks.claims` writes it again."""
    assert (RESULTS / PAGE).read_text() == written(RESULTS)
    assert PAGE in (RESULTS / "README.md").read_text()


@pytest.mark.usefixtures("no_data")
def test_a_folder_without_results_measures_nothing(tmp_path: Path) -> None:
    with kept_studies(tmp_path) as kept:
        found = claims(tmp_path, kept)
    assert {claim.verdict for claim in found} == {NOT_MEASURED}
    assert len(found) > 20
    text = written(tmp_path)
    assert text.count(f"**Verdict: {NOT_MEASURED}.**") == len(found)
    assert "there is nothing to recommend" in text


@pytest.mark.usefixtures("no_data")
def test_numbers_of_a_kept_study_are_those_of_compare(study: Path, simulated: Path) -> None:
    with kept_studies(simulated) as [one]:
        assert one.is_confirmed
        better, factor, _, correlation = tuning.claims([one])
    comparison = compare(str(study))[0].pairings[0].comparison

    [case] = better.cases
    assert case.n == f"{SEEDS} pairs"
    assert f"effect {comparison.effect:+.2f}, p = {comparison.p_value:.3g}" == case.value
    wanted = {"better": "confirmed", "worse": "contradicted", "not shown": "not shown"}
    assert case.verdict == wanted[comparison.verdict]
    [case] = factor.cases
    assert case.value.startswith(f"{comparison.ratio:.2f} (")
    assert case.verdict == tuning.factor_verdict(comparison.ratio_interval)
    [note] = factor.notes
    assert "within the study itself, one seed each" in note
    budgets_of = one_shot_correlation(OpenedStudy(study)).budgets
    assert [f"{budget.at_end.n} searches" for budget in budgets_of] == [
        case.n for case in correlation.cases
    ]
    for case, budget in zip(correlation.cases, budgets_of, strict=True):
        assert case.what.endswith(f"searches of {budget.budget:g} epochs")
        assert case.value.startswith(f"{budget.at_end.rho:.2f} (")


@pytest.mark.usefixtures("no_data")
def test_the_command_writes_and_checks(simulated: Path, tmp_path: Path) -> None:
    results = shutil.copytree(simulated, tmp_path / "results")
    words = ["--results", str(results)]
    assert main([*words, "--check"]) == 1
    assert main(words) == 0
    assert main([*words, "--check"]) == 0
    text = (results / PAGE).read_text()
    assert "[`digits_darts`](digits_darts): darts, space 1, tuned in cs2" in text
    assert f"{2 * SEEDS} confirming searches" in text

    (results / PAGE).write_text(text.replace("darts, space 1", "gdas, space 1"))
    assert main([*words, "--check"]) == 1


@pytest.mark.parametrize(
    ("low", "high", "factor", "correlation"),
    [
        (7.0, 12.0, "confirmed", "contradicted"),
        (1.2, 6.9, "contradicted", "contradicted"),
        (0.1, 8.0, "not shown", "contradicted"),
        (-0.2, 0.29, "contradicted", "confirmed"),
        (-0.31, 0.1, "contradicted", "not shown"),
    ],
)
def test_verdicts_of_intervals(low: float, high: float, factor: str, correlation: str) -> None:
    assert tuning.factor_verdict(Interval(low, high)) == factor
    assert tuning.no_correlation(low, high) == correlation


def test_cases_that_disagree_are_counted() -> None:
    def claim(*verdicts: str) -> Claim:
        cases = tuple(Case("", "", "", one) for one in verdicts)  # type: ignore[arg-type]
        return Claim("", "", (), "", "", "", cases)

    assert claim().verdict == NOT_MEASURED
    assert claim("not shown", "not shown").verdict == "not shown"
    assert claim("not shown", "confirmed", "not shown").verdict == "1 confirmed, 2 not shown"


def test_findings_are_read_as_the_analysis_writes_them(tmp_path: Path) -> None:
    analysis = analyse(of_space(load_table("digits"), 1), 0.05, 0)
    folder = tmp_path / tables.FOLDER
    folder.mkdir()
    (folder / "operations_space1.txt").write_text("\n".join(_sentences(analysis)) + "\n")
    found = {one.claim: one for one in tables.findings(folder / "operations_space1.txt")}
    for wanted in findings(analysis):
        own = found.pop(wanted.claim)
        assert own.verdict == wanted.verdict.replace("not decided", "not shown")
        assert own.why == wanted.why
        assert own.cells == "2,685 cells"
    assert not found
    judged = [claim for claim in tables.claims(tmp_path) if claim.cases]
    assert len(judged) == len(tables.SAID) - 1  # reliability takes several tables


def test_budgets_of_a_table() -> None:
    table, space = load_table("digits"), get_space(1)
    rows = list(budgets.rows(table, 1))
    entries = table.entries(space)
    test = table.mean_errors("test", entries)
    best = np.argsort(test, kind="stable")[: budgets.BEST]
    for name, part in (("all", np.arange(len(entries))), (f"best {budgets.BEST}", best)):
        own = {(row["quantity"], row["epochs"]): row for row in rows if row["cells"] == name}
        for epochs in table.budgets:
            single = table.errors("valid", entries[part], epochs)[:, 0]
            row = own[budgets.SINGLE, epochs]
            assert row["n"] == len(part)
            assert row["value"] == pytest.approx(stats.spearmanr(single, test[part])[0], abs=1e-4)
        valid = table.mean_errors("valid", entries[part])
        regret = 100 * (test[part][valid.argmin()] - test.min())
        assert own[budgets.REGRET, table.budgets[-1]]["value"] == pytest.approx(regret, abs=1e-4)
        assert own[budgets.IMPUTED, table.budgets[-1]]["value"] == 0


def put(folder: Path, name: str, rows: Sequence[Mapping[str, object]]) -> None:
    """Keep rows of an analysis, as the script does."""
    folder.mkdir(exist_ok=True)
    with (folder / f"{name}.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


@pytest.mark.slow
def test_claims_of_supernets_by_rows_of_the_analyses(tmp_path: Path) -> None:
    """Rows as the analyses write them, with planted scores: each claim gets its verdict."""
    from oneshot_hpo.experiments.analyze import bias, correlation, precision, quality
    from oneshot_hpo.experiments.analyze.ranks import resamples
    from oneshot_hpo.experiments.analyze.targets import Target

    rng = np.random.default_rng(0)
    errors = rng.permutation(400) / 400
    weights = resamples(400, rng)
    scores = [np.maximum(errors, 0.5)] * 3  # knows the bad half alone
    folder = tmp_path / supernets.FOLDER

    both = correlation.rank_correlations(scores, errors, weights)
    one = correlation.Correlation(1, "darts", 12, 400, 3, *both, None, Target("valid", 12))
    put(folder, "correlation_space-1_darts", correlation.rows([one]))
    blind = correlation.rank_correlations([rng.normal(size=400)] * 3, errors, weights)
    two = correlation.Correlation(1, "gdas", 12, 400, 3, *blind)
    put(folder, "correlation_best1000_space-1_gdas", correlation.rows([two]))
    found = precision.precision_of(scores, errors, weights)
    put(folder, "precision_space-1_darts", precision.rows(1, "darts", 12, found))
    lengths = [quality.quality_of(n, scores, errors, weights, rng) for n in (1, 12)]
    put(folder, "quality_space-1_darts", quality.rows(1, "darts", lengths))
    size = bias.size_bias(scores, errors, -errors, weights)
    groups = {(1, "conv3x3-bn-relu"): np.arange(200), (1, "maxpool3x3"): np.arange(200, 400)}
    operations = bias.operation_bias(scores, errors, groups, rng)
    put(folder, "bias_space-1_darts", bias.rows(1, "darts", 12, 400, size, operations))

    by_said = {claim.said: claim for claim in supernets.claims(tmp_path)}

    def of(words: str) -> Claim:
        [said] = [said for said in by_said if words in said]
        return by_said[said]

    assert [case.verdict for case in of("do not correlate").cases][::-1] == [
        "contradicted",
        tuning.no_correlation(blind[0].low, blind[0].high),
    ]
    assert "against valid@12" in of("do not correlate").cases[1].what
    assert "among the best cells" in of("do not correlate").cases[0].what
    verdicts = {case.what[-4:]: case.verdict for case in of("finding bad cells").cases}
    assert verdicts["10 %"] == "confirmed"
    assert len(of("relatively good cells").cases) == 1
    [case] = of("ten cells").cases
    assert f"{100 * lengths[1].best[10]:.2f} %" in case.value
    assert of("Longer training").verdict == "not shown"
    [case] = of("prefer large cells").cases
    assert case.value.startswith(f"{size.excess.value:.2f} (")
    assert len(of("certain operations").cases) == 2
    assert of("Less sharing").verdict == NOT_MEASURED


@pytest.mark.slow
def test_a_kept_study_beside_baselines(study: Path, simulated: Path, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="needs the extra baselines")
    pytest.importorskip("matplotlib", reason="needs the extra figures")
    results = shutil.copytree(simulated, tmp_path / "results")
    (tmp_path / "bb").mkdir()
    made = plan(methods="rs,re", evaluations=60, repetitions=6, objective="mean")
    file = write_baselines(tmp_path / "bb", made)
    blackbox.main([str(file), "--results", str(results)])
    assert (results / tables.FOLDER / "regret_seconds_space1.png").stat().st_size > 0

    for claim, equal in zip(blackbox.claims(results), EQUAL, strict=True):
        [space] = compare(f"{study}:tuned", str(file), at_equal=equal)
        wanted = {one.second.method: one.comparison for one in space.pairings}
        assert len(claim.cases) == len(wanted) == 2
        for case in claim.cases:
            comparison = wanted[case.what.rpartition(" ")[2]]
            assert case.value.startswith(f"{comparison.ratio:.2f} (")
            assert case.value.endswith(f"p = {comparison.p_value:.3g}")
            word = {"better": "confirmed", "worse": "contradicted"}.get(comparison.verdict)
            assert case.verdict == (word or "not shown")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "table", "space"),
    [
        ("nasbench201/nasbench201.csv.gz", "nasbench201", "nasbench201"),
        ("transnasbench101/transnas_micro.csv", "transnas-micro", "transnas-micro"),
        ("transnasbench101/transnas_macro.csv", "transnas-macro", "transnas-macro"),
    ],
)
@pytest.mark.usefixtures("no_data")
def test_kept_findings_of_public_tables_are_derived_again(
    file: str, table: str, space: str
) -> None:
    data = Path(os.environ.get("ONESHOT_HPO_TEST_DATA", ""))
    if not (data / file).is_file():
        pytest.skip(f"set ONESHOT_HPO_TEST_DATA to a folder with {file}")
    imported(data / file)
    analysis = analyse(of_space(load_table(table), space), 0.05, 0)
    kept = RESULTS / tables.FOLDER / f"operations_{table}.txt"
    assert kept.read_text().splitlines() == _sentences(analysis)
