"""Claims about supernets, judged by kept rows of `analyze`."""

from __future__ import annotations

from pathlib import Path

from oneshot_hpo.experiments.benchmarks.claims import regularisation
from oneshot_hpo.experiments.benchmarks.claims.claim import (
    Case,
    Claim,
    Verdict,
    by_sign,
    interval_words,
    sign_of,
)
from oneshot_hpo.experiments.benchmarks.claims.rows import (
    FOLDER,
    SIGNIFICANT,
    Row,
    after,
    bounds,
    by_file,
    by_interval,
    claim_of,
    kept_rows,
    last_of_each,
    size_of,
    who,
)
from oneshot_hpo.experiments.benchmarks.claims.sources import INSIGHTS, SLIDES, SUPERNETS
from oneshot_hpo.experiments.benchmarks.claims.tuning import NO_CORRELATION_RULE, no_correlation

_VARY = 0.9  # a correlation between seeds below it is variation that matters


def claims(results: Path) -> list[Claim]:
    """All of them; those without kept rows have no case."""

    def kept(analysis: str) -> list[Row]:
        return list(kept_rows(results / FOLDER, analysis))

    bias, stability = kept("bias"), kept("stability")
    return [
        _no_correlation(kept("correlation")),
        _fine_tuning(kept("correlation")),
        _bad_cells(kept("precision")),
        _tenth(kept("precision")),
        _first_ten(kept("quality")),
        _saturation(kept("quality")),
        _size(bias),
        _size_predicts(stability),
        _operations(bias),
        _pruning(kept("pruning")),
        _variance(stability),
        _sharing(stability),
        *regularisation.claims(kept("regularisation")),
    ]


def _no_correlation(found: list[Row]) -> Claim:
    last: dict[tuple[str, ...], Row] = {}
    for row in found:
        last[row["file"], row["space"], row["searcher"], row["against"]] = row
    cases = []
    for row in last.values():
        low, high = bounds(row, "spearman_")
        best = "_best" in row["file"]
        which = "among the best cells" if best else "all cells"
        cases.append(
            Case(
                f"{who(row)}, {which}, against {row['against']}",
                size_of(row),
                interval_words(float(row["spearman"]), low, high),
                no_correlation(low, high),
            )
        )
    return claim_of(
        "One-shot validation error and the error of a cell trained alone do not correlate, for any "
        "searcher in any space: over cells under one supernet.",
        f"{SLIDES}, page 22",
        "Spearman's correlation over cells, by error of the table (`valid@12`: validation after 12 "
        "epochs; `test`: after 108), 95 % over supernets and cells",
        NO_CORRELATION_RULE,
        cases,
    )


def _fine_tuning(found: list[Row]) -> Claim:
    own = [row for row in found if row.get("finetuned_gain")]
    cases = []
    for row in own:
        low, high = bounds(row, "finetuned_gain_")
        value = interval_words(float(row["finetuned_gain"]), low, high)
        what = f"{who(row)}, {row['finetune_batches']} batches, against {row['against']}"
        cases.append(Case(what, size_of(row), value, by_sign(sign_of(low, high))))
    return claim_of(
        "A few batches of training of each cell on the weights that it inherits improve the "
        "ranking.",
        SUPERNETS,
        "Spearman's correlation after it less that before, 95 %",
        SIGNIFICANT,
        cases,
    )


def _bad_cells(found: list[Row]) -> Claim:
    own = [row for row in found if row["quantity"] == "worst less best"]
    return claim_of(
        "Supernets are better at finding bad cells than good ones.",
        SUPERNETS,
        "precision among the worst 1, 10 or 50 % less that among the best, 95 %",
        SIGNIFICANT,
        [by_interval(row, f"{who(row)}, {100 * float(row['share']):g} %") for row in own],
    )


def _tenth(found: list[Row]) -> Claim:
    own = [row for row in found if row["quantity"] == "best, beyond chance, less that at 1 %"]
    return claim_of(
        "Supernets are better at finding relatively good cells (the best 10 %) than the best 1 %.",
        SUPERNETS,
        "precision beyond chance among the best 10 % less that among the best 1 %, 95 %",
        SIGNIFICANT,
        [by_interval(row, who(row)) for row in own],
    )


def _first_ten(found: list[Row]) -> Claim:
    cases = []
    for row in last_of_each(found):
        best, low, high = (
            100 * float(row[name])
            for name in ("best_of_10", "random_best_of_10_low", "random_best_of_10_high")
        )
        sign = 1 if best < low else -1 if best > high else 0
        value = f"{best:.2f} %, by chance {low:.2f} to {high:.2f} %"
        cases.append(Case(after(row), size_of(row), value, by_sign(sign)))
    return claim_of(
        "Among the ten cells that a supernet ranks first there is one better than random rankings "
        "give.",
        SUPERNETS,
        "lowest test error among the ten ranked first; 95 % of means of random rankings",
        "Confirmed below that interval, contradicted above it.",
        cases,
    )


def _saturation(found: list[Row]) -> Claim:
    cases = []
    for own in by_file(found):
        first, last = own[0], own[-1]
        (_, early), (late, _) = bounds(first, "spearman_"), bounds(last, "spearman_")
        verdict: Verdict = "contradicted" if late > early and len(own) > 1 else "not shown"
        value = ", ".join(f"{float(row['spearman']):.2f} after {row['epochs']}" for row in own)
        cases.append(Case(who(last), size_of(last), value, verdict))
    return claim_of(
        "Longer training does not keep improving the ranking: the correlation soon saturates, and "
        "may fall.",
        SUPERNETS,
        "Spearman's correlation with the test error by epochs of training",
        "Contradicted where the interval after the longest training is above that after the "
        "shortest. No interval can confirm it: otherwise not shown.",
        cases,
    )


def _size(found: list[Row]) -> Claim:
    own = [row for row in found if row["quantity"] == "spearman excess"]
    return claim_of(
        "Supernets prefer large cells more than training them alone does.",
        SUPERNETS,
        "Spearman's correlation of parameters with supernet accuracy less that with the table's",
        SIGNIFICANT,
        [by_interval(row, after(row)) for row in own],
    )


def _size_predicts(found: list[Row]) -> Claim:
    own = [row for row in found if row["quantity"] == "supernet less parameters, with the table"]
    return claim_of(
        "The number of parameters ranks cells better than a supernet does.",
        SUPERNETS,
        "Spearman's correlation of the supernet with the table less that of parameters, 95 %",
        "Confirmed where the interval is below 0, contradicted above it, otherwise not shown.",
        [by_interval(row, who(row), below=True) for row in own],
    )


def _operations(found: list[Row]) -> Claim:
    own = [row for row in found if row["block"] == "any"]
    cases = []
    for row in own:
        low, high = bounds(row)
        verdict: Verdict = "confirmed" if sign_of(low, high) else "not shown"
        value = f"{interval_words(float(row['value']), low, high)} points"
        what = f"{after(row)}: cells with {row['operation']}"
        cases.append(Case(what, f"{row['cells']} cells", value, verdict))
    return claim_of(
        "Supernets prefer certain operations beyond what these give when trained alone.",
        SUPERNETS,
        "mean percentile by the supernet less that by the table, 95 % each",
        "Confirmed for an operation whose interval does not include 0, otherwise not shown.",
        cases,
    )


def _pruning(found: list[Row]) -> Claim:
    cases = []
    for own in by_file(found):
        whole = next((row for row in own if float(row["share"]) == 0), None)
        for row in own:
            if whole is None or float(row["share"]) == 0:
                continue
            low, high = bounds(row, "spearman_")
            least, most = bounds(whole, "spearman_")
            apart = low > most or high < least
            value = (
                f"{interval_words(float(row['spearman']), low, high)}, with all cells "
                f"{interval_words(float(whole['spearman']), least, most)}; best of ten "
                f"{100 * float(row['best_of_10']):.2f} %, with all cells "
                f"{100 * float(whole['best_of_10']):.2f} %"
            )
            share = 100 * float(row["share"])
            what = f"space {row['space']}: {share:g} % left out, {row['left_out']}"
            verdict: Verdict = "contradicted" if apart else "not shown"
            cases.append(Case(what, size_of(row), value, verdict))
    return claim_of(
        "Pruning the space of its worst cells lets supernets find better cells, pruning at random "
        "does not; the correlation has no clear relation with either.",
        SUPERNETS,
        "Spearman's correlation among the cells that are left, and the best of ten ranked first",
        "The part about correlations is judged: contradicted where the intervals with and without "
        "the cells are apart.",
        cases,
    )


def _variance(found: list[Row]) -> Claim:
    cases = []
    for row in found:
        if row["quantity"] != "spearman between seeds" or row["groups"] != "1":
            continue
        low, high = bounds(row)
        value = interval_words(float(row["value"]), low, high)
        verdict: Verdict = "not shown"
        if high < _VARY or low >= _VARY:
            verdict = "confirmed" if high < _VARY else "contradicted"
        cases.append(Case(who(row), size_of(row), value, verdict))
    return claim_of(
        "The ranks of cells vary much between supernets of different seeds.",
        INSIGHTS,
        "Spearman's correlation between the rankings of two seeds, 95 %",
        f"Confirmed where the interval is below {_VARY:g}, contradicted where it is not below it.",
        cases,
    )


def _sharing(found: list[Row]) -> Claim:
    own = [row for row in found if row["quantity"] == "groups less one supernet, between seeds"]
    return claim_of(
        "Less sharing, by groups of cells with weights of their own, reduces the variance.",
        INSIGHTS,
        "Spearman's correlation between seeds with groups less that without, 95 %",
        SIGNIFICANT,
        [by_interval(row, who(row)) for row in own],
    )
