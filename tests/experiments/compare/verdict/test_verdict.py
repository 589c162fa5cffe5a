"""Every sentence of a verdict is true to its number: cases are drawn, and sentences read back."""

from __future__ import annotations

import html
import math
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from support.made_confirmation import SECONDS, made_confirmation
from support.study_commands import called

from oneshot_hpo.experiments.compare.comparing import compare_sources
from oneshot_hpo.experiments.compare.sources import read_sources
from oneshot_hpo.experiments.compare.verdict.verdict import Verdict, verdicts
from oneshot_hpo.experiments.compare.verdict.writing import latex_of, page_of
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.hpo import Trial

N = 8
CRASH = math.inf


def _drawn(kind: str, seed: int) -> tuple[list[float], list[float]]:
    """Regrets of tuned and default, of a kind that the sentences have to tell apart."""
    rng = np.random.default_rng(seed)
    low, high = 0.01 + 0.004 * rng.random(N), 0.05 + 0.01 * rng.random(N)
    same = 0.02 + 0.01 * rng.random(N)
    crashing = [CRASH] * N
    cases = {
        "better": (low, high),
        "worse": (high, low),
        "same": (same, same),
        "not shown": (same, rng.permutation(same)),
        "tuned crashes only": (crashing, high),
        "default crashes only": (low, crashing),
        "both crash only": (crashing, crashing),
        "one seed": (low[:1], high[:1]),
        "few seeds": (low[:4], high[:4]),
        "some crashes": (low, [CRASH, *high[1:]]),
    }
    return tuple(list(map(float, part)) for part in cases[kind])  # type: ignore[return-value]


KINDS = {
    "better": "better",
    "worse": "worse",
    "same": "not shown",
    "not shown": "not shown",
    "tuned crashes only": "worse",
    "default crashes only": "better",
    "both crash only": "not shown",
    "one seed": "not shown",
    "few seeds": "not shown",
    "some crashes": "better",
}


def verdict_of(source: str) -> Verdict:
    studies, baselines = read_sources([source], all_crashed=True)
    [found] = verdicts(compare_sources(studies, baselines), studies)
    return found


def words_of(verdict: Verdict, label: str) -> list[str]:
    return [fact.words for fact in verdict.facts if fact.label == label]


def kinds_of(verdict: Verdict) -> dict[str, str]:
    return {threat.kind: threat.words for threat in verdict.threats.found}


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("kind", KINDS)
def test_every_sentence_is_true_to_its_number(
    kind: str, seed: int, tiny_study: Path, tmp_path: Path
) -> None:
    tuned, default = _drawn(kind, seed)
    verdict = verdict_of(made_confirmation(tmp_path / "s", tiny_study, tuned, default))
    n = len(tuned)

    first, second = "darts tuned in cs2", "darts default"
    claims = {
        "better": f"{first} is better than {second}.",
        "worse": f"{first} is worse than {second}.",
        "not shown": f"It is not shown whether {first} is better or worse than {second}.",
    }
    assert verdict.claim == claims[KINDS[kind]]

    [seeds] = words_of(verdict, "seeds")
    assert seeds.startswith("1 pair " if n == 1 else f"{n} pairs ")
    _check_test(verdict, kind, tuned, default)
    _check_ranks(verdict, tuned, default)
    _check_medians(verdict, tuned, default)

    [_, one] = words_of(verdict, "cost of confirming")
    searches = "1 search" if n == 1 else f"{n} searches"
    assert one == f"{second}: {searches}, {SECONDS * n / 3600:.2g} worker hours"
    [tuning] = words_of(verdict, "cost of tuning")
    # Six evaluations of 10 seconds an epoch: two of one epoch, four of two.
    assert tuning.endswith("6 evaluations, 0.028 worker hours")
    _check_crashes(verdict, tuned, default)
    assert ("too few seeds" in kinds_of(verdict)) == (n < 6)
    assert bool(words_of(verdict, "what would decide it")) == (KINDS[kind] == "not shown")


def _finite(tuned: list[float], default: list[float]) -> tuple[np.ndarray, np.ndarray]:
    """Samples in which a crash is worse than all else."""
    return np.minimum(tuned, 9.0), np.minimum(default, 9.0)


def _check_test(verdict: Verdict, kind: str, tuned: list[float], default: list[float]) -> None:
    [test] = words_of(verdict, "test")
    assert "Wilcoxon's signed-rank test, two-sided, level 5 %" in test
    if len(tuned) < 6:
        assert test.startswith("none: so few seeds")
        return
    one, two = _finite(tuned, default)
    p_value = 1.0 if (one == two).all() else float(stats.wilcoxon(two - one).pvalue)
    assert test.endswith(f"p = {p_value:.3f}" if p_value >= 0.001 else "p < 0.001")
    assert (p_value < 0.05) == (KINDS[kind] != "not shown")


def _check_ranks(verdict: Verdict, tuned: list[float], default: list[float]) -> None:
    [ranks] = words_of(verdict, "effect by ranks")
    one, two = _finite(tuned, default)
    better, worse, equal = (one < two).sum(), (one > two).sum(), (one == two).sum()
    wanted = f"darts tuned in cs2 is better in {better} of the pairs, worse in {worse}"
    assert ranks.endswith(wanted + (f", equal in {equal}" if equal else ""))
    effect = float(re.findall(r"correlation ([+-][\d.]+):", ranks)[0])
    assert -1 <= effect <= 1
    if better == len(tuned):
        assert effect == 1
    if worse == len(tuned):
        assert effect == -1


def _check_medians(verdict: Verdict, tuned: list[float], default: list[float]) -> None:
    for words, values in zip(words_of(verdict, "median"), (tuned, default), strict=True):
        median = float(np.median(values))
        if math.isinf(median):
            assert words.endswith("every search crashed")
            continue
        assert f": {100 * median:.2f} (" in words
        if len(values) < 6:
            assert "no interval with fewer than 6" in words
        else:
            low, high = map(float, re.findall(r"interval ([\d.]+) to ([\d.]+|crash)\)", words)[0])
            assert low - 0.005 <= 100 * median <= high + 0.005
    ratios = words_of(verdict, "ratio of medians")
    medians = float(np.median(tuned)), float(np.median(default))
    if any(map(math.isinf, medians)) and medians[0] != medians[1]:
        assert ratios == []
    elif math.isfinite(medians[0]):
        assert f" is {medians[1] / medians[0]:.2f} times that of " in ratios[0]


def _check_crashes(verdict: Verdict, tuned: list[float], default: list[float]) -> None:
    found = [one.words for one in verdict.threats.found if one.kind == "crashes"]
    wanted = [
        f"{name}: {sum(map(math.isinf, values))} of {len(values)} searches crashed; a crash counts "
        "as the worst result."
        for name, values in (("darts tuned in cs2", tuned), ("darts default", default))
        if any(map(math.isinf, values))
    ]
    assert found == wanted
    assert ("crashes" in verdict.threats.absent) == (not wanted)


LOW, HIGH = _drawn("better", 0)


def test_the_search_that_chose_the_incumbent_is_named(tiny_study: Path, tmp_path: Path) -> None:
    verdict = verdict_of(made_confirmation(tmp_path / "s", tiny_study, LOW, HIGH))
    words = kinds_of(verdict)["an incumbent chosen by one seed"]
    # Both evaluations at two epochs, and the default, finished; regrets are 0.5 points there.
    assert "4.00 % validation error, the least of 4 at 2 epochs" in words
    assert (
        f"was 0.50 points then, and its median with fresh seeds is {100 * np.median(LOW):.2f}"
        in words
    )
    assert "one study, with seed 0" in kinds_of(verdict)["a single study"]


@pytest.mark.slow
def test_threats_of_searches_and_of_the_table(tiny_study: Path, tmp_path: Path) -> None:
    marks = {"imputed": True, "undecided": True}
    source = made_confirmation(tmp_path / "s", tiny_study, LOW, LOW, info=marks, evaluations=4)
    found = kinds_of(verdict_of(source))
    assert (
        f"the errors of {N} of {N} searches are of a model" in found["imputed values of the table"]
    )
    assert f"{N} of {N} searches ended undecided" in found["undecided searches"]
    assert "4 of 6 evaluations of the study have finished" in found["unfinished work"]
    # The synthetic table's repeats are drawn apart by many points, the medians are equal.
    assert (
        "The medians differ by 0.00 points, less than"
        in (found["a difference within the noise of the table"])
    )
    plain = verdict_of(made_confirmation(tmp_path / "t", tiny_study, LOW, HIGH))
    assert {"imputed values of the table", "undecided searches", "unfinished work"} <= set(
        plain.threats.absent
    )
    assert "rungs that disagree" in plain.threats.unknown


def test_rungs_that_disagree_are_named(tiny_study: Path, tmp_path: Path) -> None:
    """What is good after one epoch is bad after two, and the other way round."""

    def turning(trial: Trial) -> float:
        place = trial.config["cutout_prob"]
        return 0.2 + (0.1 * place if trial.budget == 1 else -0.1 * place)

    settings = ("iterations=12", "workers=1")
    source = made_confirmation(
        tmp_path / "s", tiny_study, LOW, HIGH, *settings, evaluations=30, loss=turning
    )
    words = kinds_of(verdict_of(source))["rungs that disagree"]
    found = re.search(r"at 1 and at 2 epochs correlate by ([+-][\d.]+) .* n = (\d+)\)", words)
    assert found is not None
    assert float(found[1]) == -1
    shared = Counter(trial.id for trial, _ in OpenedStudy(Path(source)).view.evaluations)
    assert int(found[2]) == sum(count == 2 for count in shared.values())


@pytest.mark.slow
def test_several_comparisons_share_their_tests(tiny_study: Path, tmp_path: Path) -> None:
    sources = [
        made_confirmation(tmp_path / "a", tiny_study, LOW, HIGH),
        made_confirmation(tmp_path / "b", tiny_study, HIGH, HIGH, "max_budget=4"),
        made_confirmation(tmp_path / "c", tiny_study, HIGH, HIGH, "seed=1"),
    ]
    studies, baselines = read_sources(sources)
    found = verdicts(compare_sources(studies, baselines), studies)
    assert all("corrected for 5 tests" in words_of(one, "test")[0] for one in found)
    unlike = [kinds_of(one).get("searches that are not alike", "") for one in found]
    assert any("2 epochs for" in words and "4 for" in words for words in unlike)
    assert any("no seed in common" in words for words in unlike)
    # Two studies that differ in their seeds alone are no single study any more.
    alone = ["a single study" in kinds_of(one) for one in found]
    assert alone == [False, True, False, True, False]


@pytest.mark.slow
def test_page_and_latex_hold_every_sentence(tiny_study: Path, tmp_path: Path) -> None:
    source = made_confirmation(tmp_path / "s_1", tiny_study, LOW, [*HIGH[:-1], CRASH])
    page, latex = tmp_path / "v.html", tmp_path / "v.tex"
    ended = called("compare", source, "--page", page, "--latex", latex)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines()[-1] == f"verdict: {page}, {latex}"
    verdict = verdict_of(source)
    shown = html.unescape(page.read_text())
    text = latex.read_text()
    for words in (verdict.claim, *(fact.words for fact in verdict.facts)):
        assert words in shown
        assert words.replace("%", "\\%").replace("_", "\\_").replace("<", "\\textless{}") in text
    for threat in verdict.threats.found:
        assert threat.words in shown
    assert page_of([verdict]) == page.read_text()
    assert latex_of([verdict]) == text
    assert text.count("\\begin{tabular}") == text.count("\\end{tabular}") == 1


@pytest.mark.slow
def test_what_cannot_be_written_is_one_line(tiny_study: Path, tmp_path: Path) -> None:
    source = made_confirmation(tmp_path / "s", tiny_study, LOW, HIGH)
    (tmp_path / "mine.html").write_text("mine")
    for options, message in (
        (["--page", tmp_path / "v.txt"], "must end in .html"),
        (["--latex", tmp_path / "v.txt"], "must end in .tex"),
        (["--page", tmp_path / "none" / "v.html"], "its folder is missing"),
        (["--page", tmp_path / "mine.html"], "is not a page"),
    ):
        ended = called("compare", source, *options)
        assert ended.returncode == 2
        assert message in ended.stderr
        assert ended.stderr.count("\n") == 1
    assert (tmp_path / "mine.html").read_text() == "mine"
    ended = called("compare", f"{source}:tuned", "--page", tmp_path / "v.html")
    assert ended.returncode == 2
    assert "nothing was compared" in ended.stderr
    assert not (tmp_path / "v.html").exists()
