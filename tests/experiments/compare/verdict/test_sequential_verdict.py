"""The verdict of a confirmation that a rule ends: each sentence is true to its number."""

import html
import re
from pathlib import Path

import pytest
from support.confirmed_study import scripted
from support.sequential_confirmation import begin, differing, drive
from support.study_commands import called

from oneshot_hpo.experiments.compare.comparing import compare_sources
from oneshot_hpo.experiments.compare.sources import read_sources
from oneshot_hpo.experiments.compare.verdict.verdict import Verdict, verdicts
from oneshot_hpo.experiments.compare.verdict.writing import page_of
from oneshot_hpo.hpo import read_confirmation

NAMES = ("darts tuned in cs2", "darts default")


def confirmed(folder: Path, tiny_study: Path, gap: float, most: int = 1000) -> Path:
    """A study whose tuned regrets are lower by `gap` points, confirmed up to `most` runs."""
    scripted(tiny_study, folder).close()
    drive(begin(folder), differing(gap), most)
    return folder


def verdict_of(folder: Path) -> Verdict:
    studies, baselines = read_sources([str(folder)], all_crashed=True)
    [found] = verdicts(compare_sources(studies, baselines), studies)
    return found


def rows(verdict: Verdict, label: str) -> list[str]:
    return [fact.words for fact in verdict.facts if fact.label == label]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("gap", "claim"),
    [
        (1.5, "darts tuned in cs2 is better than darts default."),
        (-1.5, "darts tuned in cs2 is worse than darts default."),
        (0.0, "It is not shown whether darts tuned in cs2 is better or worse than darts default."),
    ],
)
def test_a_rule_that_has_ended(gap: float, claim: str, tiny_study: Path, tmp_path: Path) -> None:
    folder = confirmed(tmp_path / "s", tiny_study, gap)
    verdict, looks = verdict_of(folder), read_confirmation(folder / "confirm").looks
    seeds = looks[-1].seeds
    assert verdict.claim == claim
    assert rows(verdict, "seeds") == [f"{seeds} pairs of searches with the same fresh seed"]

    [test] = rows(verdict, "test")
    assert test.endswith(", adjusted for the looks")
    shown = re.search(r": p (?:= ([\d.]+)|< 0.001)", test)
    assert shown is not None
    p_value = float(shown[1] or 0)
    assert (p_value < 0.05) == looks[-1].decided == (gap != 0)
    if shown[1]:
        assert p_value >= round(looks[-1].p_value, 3)  # no smaller than that of the last look

    [words] = rows(verdict, "looking early")
    decided = "was decided" if seeds < 30 else "ended"
    assert words.startswith(f"This {decided} by look {len(looks)} of 4, at {seeds} seeds of at")
    effect, low, high = map(
        float, re.findall(r"correlation is ([+-][\d.]+) \(95 % interval (\S+) to (\S+)\)", words)[0]
    )
    assert low <= effect <= high
    assert (low > 0) == (gap > 0) and (high < 0) == (gap < 0)
    assert "medians and the ratio are not adjusted" in words
    assert rows(verdict, "what would decide it") == []
    _check_costs(verdict, seeds)
    absent = verdict.threats.absent
    assert "too few seeds" in absent and "unfinished work" in absent


def _check_costs(verdict: Verdict, runs: int) -> None:
    hours = f"{36 * runs / 3600:.2g} worker hours"
    assert rows(verdict, "cost of confirming") == [f"{n}: {runs} searches, {hours}" for n in NAMES]


@pytest.mark.slow
def test_between_two_looks_the_last_one_counts_and_every_run_is_paid(
    tiny_study: Path, tmp_path: Path
) -> None:
    verdict = verdict_of(confirmed(tmp_path / "s", tiny_study, 0.3, most=36))
    assert rows(verdict, "seeds") == ["15 pairs of searches with the same fresh seed"]
    assert rows(verdict, "looking early") == [
        "Nothing is decided after look 1 of 4, at 15 seeds; the next look is at 20 (spending of "
        "O'Brien and Fleming's type, level 5 %)."
    ]
    _check_costs(verdict, 18)
    [unfinished] = [one.words for one in verdict.threats.found if one.kind == "unfinished work"]
    assert "36 of 40 runs of its confirmation have finished" in unfinished


def test_before_the_first_look_nothing_is_tested(tiny_study: Path, tmp_path: Path) -> None:
    verdict = verdict_of(confirmed(tmp_path / "s", tiny_study, 1.5, most=20))
    assert verdict.claim.startswith("It is not shown whether")
    assert rows(verdict, "test")[0].startswith("none: the rule allows no look yet (Wilcoxon's")
    [few] = [one.words for one in verdict.threats.found if one.kind == "too few seeds"]
    # Ten pairs without a rule could show a difference.
    assert few == "The rule allows no look before 15 pairs."
    assert "The first look is at 15 seeds, of at most 30" in rows(verdict, "looking early")[0]


@pytest.mark.slow
def test_the_page_has_every_sentence(tiny_study: Path, tmp_path: Path) -> None:
    folder = confirmed(tmp_path / "s", tiny_study, 1.5)
    ended = called("compare", folder, "--page", tmp_path / "v.html")
    assert ended.returncode == 0, ended.stderr
    page, verdict = (tmp_path / "v.html").read_text(), verdict_of(folder)
    assert page == page_of([verdict])
    for fact in verdict.facts:
        assert fact.words in html.unescape(page)
