"""Claims about tuning, judged by kept studies and their confirmations."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from oneshot_hpo.experiments.benchmarks.claims.claim import Case, Claim, Verdict, by_sign
from oneshot_hpo.experiments.benchmarks.claims.kept import Kept
from oneshot_hpo.experiments.benchmarks.claims.sources import SLIDES
from oneshot_hpo.experiments.compare.comparing import Pairing, compare
from oneshot_hpo.experiments.compare.rank_tests import ALPHA, holm
from oneshot_hpo.experiments.compare.shift import Interval
from oneshot_hpo.experiments.errors import NotEnoughData, UserError
from oneshot_hpo.experiments.numbers.one_shot import one_shot_correlation
from oneshot_hpo.experiments.study.outcome import Outcome
from oneshot_hpo.search_spaces import title_of

FACTOR = 7.0
"""The lower one of the claimed factors, 7 to 10."""
NO_CORRELATION = 0.3
"""The largest of the authors' own correlations, which they call none."""

_RUN = "sh experiments/results/run.sh runs/field"
_SMALL = (
    "The searches are a proxy (half-size images, 10,000 of them, 8 channels, 3 cells, 12 epochs); "
    "the errors of the cells found are NAS-Bench-101's, whose single runs and validation errors "
    "are partly imputed, while mean test errors are real."
)


def claims(kept: Sequence[Kept]) -> list[Claim]:
    """All of them; the ones that no study speaks to yet have no case."""
    confirmed = [one for one in kept if one.is_confirmed]
    pairings = [(one, compare(one.source)[0].pairings) for one in confirmed]
    compared = [(one, own[0]) for one, own in pairings if own]  # the default may be the tuned one
    return [
        _better_than_default(compared),
        _factor(compared),
        _searchers(confirmed),
        _correlation(kept),
    ]


def judged(pairings: Sequence[Pairing]) -> list[tuple[Verdict, float]]:
    """Whether the first is better, with p values that hold for all of them together (Holm)."""
    adjusted = holm([one.comparison.p_value for one in pairings])
    return [
        (by_sign(0 if p >= ALPHA else 1 if one.comparison.effect > 0 else -1), float(p))
        for one, p in zip(pairings, adjusted, strict=True)
    ]


def ratio_words(pairing: Pairing) -> str:
    """The ratio of median regrets with its interval."""
    comparison = pairing.comparison
    words = _number(comparison.ratio)
    bounds = comparison.ratio_interval
    return words if bounds is None else f"{words} ({_number(bounds.low)} to {_number(bounds.high)})"


def seeds_words(pairing: Pairing) -> str:
    """How many searches were compared."""
    comparison = pairing.comparison
    if comparison.pairs is None:
        return f"{comparison.sizes[0]} against {comparison.sizes[1]}"
    return f"{comparison.pairs} pairs"


def _better_than_default(compared: Sequence[tuple[Kept, Pairing]]) -> Claim:
    found = judged([pairing for _, pairing in compared])
    cases = [
        Case(
            one.label,
            seeds_words(pairing),
            f"effect {pairing.comparison.effect:+.2f}, p = {p:.3g}",
            verdict,
        )
        for (one, pairing), (verdict, p) in zip(compared, found, strict=True)
    ]
    return Claim(
        said="One-shot optimizers tuned by BOHB find better cells than with their defaults.",
        source=f"{SLIDES}, page 23",
        commands=(_RUN, "oneshot-hpo compare runs/field/cifar10-small-cs2/darts_space-1"),
        measure="rank-biserial correlation of tuned against default, p value of all together",
        rule=f"p below {ALPHA:g} (Wilcoxon's signed-rank test, corrected by Holm for all studies "
        "here): confirmed where the tuned one is better, contradicted where it is worse.",
        limits=f"{_SMALL} Seeds of the confirmation are others than those of the study.",
        cases=tuple(cases),
    )


def _factor(compared: Sequence[tuple[Kept, Pairing]]) -> Claim:
    cases = [
        Case(
            one.label,
            seeds_words(pairing),
            ratio_words(pairing),
            factor_verdict(pairing.comparison.ratio_interval),
        )
        for one, pairing in compared
    ]
    return Claim(
        said="They outperform the default by a factor of 7 to 10 in regret.",
        source=f"{SLIDES}, page 23",
        commands=(_RUN, "oneshot-hpo compare runs/field/cifar10-small-cs2/darts_space-1"),
        measure="median test regret of the default over that of the tuned configuration, 95 %",
        rule=f"Confirmed where the whole interval is at {FACTOR:g} or above, contradicted where it "
        "is below; otherwise not shown.",
        limits=f"{_SMALL} Here both are searched with the largest budget and the same fresh seeds. "
        "The authors' ratio is against the default at the lowest budget, from the same single "
        "study that chose the winner; that ratio is noted below.",
        cases=tuple(cases),
        notes=tuple(note for one, _ in compared for note in _authors_ratio(one)),
    )


def factor_verdict(bounds: Interval | None) -> Verdict:
    """Whether the factor is at least FACTOR."""
    if bounds is None:
        return "not shown"
    if bounds.low >= FACTOR:
        return "confirmed"
    return "contradicted" if bounds.high < FACTOR else "not shown"


def _authors_ratio(one: Kept) -> Iterator[str]:
    """The ratio as the authors take it: regrets within the study, which chose the incumbent."""
    baseline, incumbent = one.study.view.baseline, one.study.view.incumbent
    if baseline is None or incumbent is None or baseline[1].crashed:
        return
    default, best = (Outcome.from_result(pair[1]).regret for pair in (baseline, incumbent))
    if default is None or best is None:
        return
    ratio = _number(default / best) if best else "infinite" if default else "1.00"
    yield (
        f"{one.label}: within the study itself, one seed each, the default's regret after "
        f"{baseline[0].budget:g} epochs is {ratio} times the incumbent's after "
        f"{incumbent[0].budget:g}."
    )


def _searchers(confirmed: Sequence[Kept]) -> Claim:
    """PC-DARTS beside DARTS and GDAS, random search with weight sharing beside all, at defaults."""
    asked = [
        (one, other)
        for space in dict.fromkeys(one.study.spec.required_space for one in confirmed)
        for one, other in _rivals([o for o in confirmed if o.study.spec.required_space == space])
    ]
    pairings = [
        compare(f"{one.source}:default", f"{other.source}:default")[0].pairings[0]
        for one, other in asked
    ]
    cases = [
        Case(
            f"{title_of(one.study.spec.required_space)}: {one.searcher} better than "
            f"{other.searcher}",
            seeds_words(pairing),
            f"effect {pairing.comparison.effect:+.2f}, p = {p:.3g}",
            verdict,
        )
        for (one, other), pairing, (verdict, p) in zip(
            asked, pairings, judged(pairings), strict=True
        )
    ]
    return Claim(
        said="With their defaults DARTS and GDAS end in a local optimum, PC-DARTS is stable and "
        "finds relatively good cells, and random search with weight sharing explores mainly poor "
        "ones (spaces 1 and 3).",
        source=f"{SLIDES}, page 18",
        commands=(
            _RUN,
            "oneshot-hpo compare runs/field/cifar10-small-cs2/pc_darts_space-1:default "
            "runs/field/cifar10-small-cs2/darts_space-1:default",
        ),
        measure="rank-biserial correlation of test regrets, p value of all together",
        rule=f"A case is that one searcher is better than another one: p below {ALPHA:g}, "
        "corrected by Holm for all cases here.",
        limits=f"{_SMALL} What is judged is the cells at the end; the authors look at searches "
        "epoch by epoch, which kept studies do not have.",
        cases=tuple(cases),
    )


def _rivals(here: Sequence[Kept]) -> Iterator[tuple[Kept, Kept]]:
    """Pairs of one space of which the claim says that the first is better; each searcher once."""
    by_searcher = {one.searcher: one for one in reversed(here)}
    better = [("pc_darts", "darts"), ("pc_darts", "gdas")]
    better += [(name, "random_ws") for name in ("darts", "gdas", "pc_darts")]
    for one, other in better:
        if one in by_searcher and other in by_searcher:
            yield by_searcher[one], by_searcher[other]


def _correlation(kept: Sequence[Kept]) -> Claim:
    cases, notes = [], []
    for one in kept:
        try:
            found = one_shot_correlation(one.study)
        except (NotEnoughData, UserError) as error:
            notes.append(f"{one.label}: {error}.")
            continue
        for budget in found.budgets:
            rho = budget.at_end
            if math.isnan(rho.rho):
                continue
            cases.append(
                Case(
                    f"{one.label}, searches of {budget.budget:g} epochs",
                    f"{rho.n} searches",
                    f"{rho.rho:.2f} ({rho.low:.2f} to {rho.high:.2f})",
                    no_correlation(rho.low, rho.high),
                )
            )
    return Claim(
        said="One-shot validation error and the error of the cell found, trained alone, do not "
        "correlate, for any searcher in any space: over searches.",
        source=f"{SLIDES}, page 22",
        commands=(_RUN, "oneshot-hpo figures runs/field/cifar10-small-cs2 --out figures"),
        measure="Spearman's correlation over the searches of one budget, 95 %",
        rule=NO_CORRELATION_RULE,
        limits=f"{_SMALL} The searches of a study differ in their hyperparameters, too: a "
        "correlation may be theirs. Over cells under one supernet see the next claims.",
        cases=tuple(cases),
        notes=tuple(notes),
    )


NO_CORRELATION_RULE = (
    "Contradicted where the interval does not include 0, confirmed where it includes 0 and is "
    f"within ±{NO_CORRELATION:g} (the authors' own numbers reach that); otherwise not shown."
)


def no_correlation(low: float, high: float) -> Verdict:
    """What an interval of a correlation says of the claim that there is none."""
    if low > 0 or high < 0:
        return "contradicted"
    return "confirmed" if max(-low, high) <= NO_CORRELATION else "not shown"


def _number(value: float) -> str:
    return "infinity" if math.isinf(value) else f"{value:.2f}"
