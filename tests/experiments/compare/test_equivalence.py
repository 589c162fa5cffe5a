"""'The same within a margin': level and power of the tests, and the words of `compare`."""

import io
import math
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from statsmodels.stats.weightstats import ttost_paired
from support.confirmed_study import Confirmed
from support.study_commands import called, refused

from oneshot_hpo.experiments.compare.comparing import Space, compare
from oneshot_hpo.experiments.compare.display import print_spaces
from oneshot_hpo.experiments.compare.rank_tests import holm, paired_test
from oneshot_hpo.experiments.compare.shift import equivalence, interval, shift
from oneshot_hpo.experiments.compare.statistics import Question, compare_all
from oneshot_hpo.experiments.errors import UserError

NEAR, ALIKE = np.random.default_rng(0).normal(0.03, 0.0008, (2, 12))
"""Regrets of two settings that are alike; without ties, with which exact tests are slow."""


def text_of(spaces: list[Space]) -> str:
    console = Console(file=io.StringIO(), width=90)
    print_spaces(console, spaces)
    assert isinstance(console.file, io.StringIO)
    return " ".join(console.file.getvalue().split())


@pytest.mark.slow
@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize("gap", [0.5, -0.5])
def test_a_difference_as_large_as_the_margin_is_seldom_the_same(paired: bool, gap: float) -> None:
    trials, rng = 400, np.random.default_rng(4)
    verdicts = []
    for _ in range(trials):
        x, y = rng.normal(5 - gap, 0.5, 30), rng.normal(5, 0.5, 30)
        verdicts.append(equivalence(x, y, margin=0.5, paired=paired, rng=rng).verdict)
    wrong = {"same", "no better" if gap > 0 else "no worse"}
    assert sum(verdict in wrong for verdict in verdicts) / trials == pytest.approx(0.05, abs=0.025)


def test_equal_samples_are_the_same_and_the_interval_says_so() -> None:
    rng = np.random.default_rng(5)
    x, y = rng.normal(5, 0.5, 40), rng.normal(5, 0.5, 40)
    for paired in (True, False):
        found = equivalence(x, y, margin=0.5, paired=paired, rng=rng)
        assert found.verdict == "same"
        assert found.interval is not None
        assert -0.5 < found.interval.low < found.shift < found.interval.high < 0.5


def test_two_one_sided_tests_agree_with_those_of_means() -> None:
    """For normal differences, ranks decide as statsmodels' t tests do, or nearly so."""
    rng = np.random.default_rng(6)
    pairs = []
    for _ in range(100):
        x = rng.normal(5, 0.5, 30)
        y = x + rng.normal(0.15, 0.6, 30)
        found = equivalence(x, y, margin=0.5, paired=True, rng=rng)
        pairs.append((max(found.no_worse, found.no_better), ttost_paired(y, x, -0.5, 0.5)[0]))
    ranks, means = np.array(pairs).T
    assert np.corrcoef(np.log(ranks), np.log(means))[0, 1] > 0.95
    assert ((ranks < 0.05) == (means < 0.05)).mean() >= 0.9


def test_the_interval_ends_where_the_test_begins_to_refuse() -> None:
    x, y = np.zeros(12), np.array([0.5, 1, -0.3, 2, 1.7, 0.9, 0.1, 1.1, -0.8, 2.3, 0.7, 1.3])
    bounds = interval(x, y, 0.05, paired=True)
    assert bounds is not None
    for end, inside in ((bounds.low, 1e-6), (bounds.high, -1e-6)):
        assert paired_test(y - (end + inside)) >= 0.05 > paired_test(y - (end - inside))


@pytest.mark.parametrize("paired", [True, False])
def test_the_interval_holds_the_shifts_that_the_test_does_not_refuse(paired: bool) -> None:
    held, rng = 0, np.random.default_rng(7)
    for _ in range(200):
        x, y = rng.normal(5, 1, 15), rng.normal(5.7, 1, 15)
        bounds = interval(x, y, 0.1, paired=paired)
        assert bounds is not None
        held += bounds.low <= 0.7 <= bounds.high
        assert bounds.low <= shift(x, y, paired=paired) <= bounds.high
    assert held / 200 == pytest.approx(0.9, abs=0.05)
    assert interval(np.zeros(3), np.array([1.0, 2, 4]), 0.05, paired=paired) is None


def test_several_margins_hold_together() -> None:
    """Of both sides of k comparisons at most k hypotheses are true."""
    assert holm([0.01, 0.02, 0.03, 0.04], 2) == pytest.approx([0.02, 0.04, 0.06, 0.06])
    assert holm([0.04, 0.03], 1) == pytest.approx([0.04, 0.03])
    question = Question(NEAR, ALIKE, paired=True, margin=0.0015)
    (alone,) = compare_all([question], 0)
    several = compare_all([question] * 2, 0)
    assert alone.verdict == "same"
    assert alone.equivalence is not None
    for one in several:
        assert one.equivalence is not None
        assert one.equivalence.no_worse >= alone.equivalence.no_worse


def test_crashes_leave_no_misleading_shift() -> None:
    x, y = np.array([0.03, 0.031, 0.029, 0.0305] + [math.inf] * 8), ALIKE
    (found,) = compare_all([Question(x, y, paired=True, margin=0.002)], 0)
    assert found.equivalence is not None
    assert found.equivalence.shift == -math.inf
    assert found.verdict != "same"


def test_the_same_is_said_with_its_margin(confirmed: Confirmed) -> None:
    study = confirmed("a", list(NEAR), list(ALIKE))
    text = text_of(compare(study, margin=0.2))
    assert "darts tuned in cs2 and darts default are the same within 0.20 points, with 12" in text
    assert "(90 % interval -0." in text
    assert "(two one-sided tests)" in text
    assert "would likely decide" not in text
    ended = called("compare", study, "--margin", "0.2")
    assert "are the same within 0.20 points" in " ".join(ended.stdout.split())


@pytest.mark.slow
def test_no_worse_and_a_small_difference_are_said(confirmed: Confirmed) -> None:
    rng = np.random.default_rng(8)
    default = rng.normal(0.03, 0.0002, 12)
    wide = confirmed("a", list(default - 0.0005 + rng.normal(0, 0.0012, 12)), list(default))
    text = text_of(compare(wide, margin=0.08))
    assert "darts tuned in cs2 is not worse than darts default by 0.08 points or more" in text
    small = confirmed("b", list(default - 0.0005), list(default))
    text = text_of(compare(small, margin=0.2))
    assert "is better than darts default, but by less than 0.20 points, with 12 seeds." in text
    far = text_of(compare(wide, margin=0.001))
    assert "Not shown with 12 seeds" in far


def test_the_margin_may_be_the_noise_of_the_table(confirmed: Confirmed) -> None:
    spaces = compare(confirmed("a", list(NEAR), list(ALIKE)), margin="noise")
    (note,) = [note for note in spaces[0].notes if "the margin of" in note]
    assert "trainings of one good cell in synthetic" in note
    within = spaces[0].pairings[0].comparison.equivalence
    assert within is not None
    assert f"{100 * within.margin:.2f} points" in note


@pytest.mark.slow
@pytest.mark.parametrize("margin", ["0", "-1", "wide", "inf"])
def test_a_margin_that_is_none_is_refused(confirmed: Confirmed, margin: str) -> None:
    study = confirmed("a", list(NEAR), list(ALIKE))
    assert "a number of points above 0, or noise" in refused("compare", study, "--margin", margin)
    with pytest.raises(UserError, match="a number of points above 0"):
        compare(study, margin=-0.2)


def test_without_a_table_there_is_no_noise(
    confirmed: Confirmed, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    study = confirmed("a", list(NEAR), list(ALIKE))
    monkeypatch.setattr("oneshot_hpo.experiments.compare.comparing.table_of", lambda *_: None)
    with pytest.raises(UserError, match="no table here says how noisy"):
        compare(study, margin="noise")
