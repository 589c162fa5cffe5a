"""Fidelity of planted pilots, whose agreement is known, and of a tiny real one."""

import csv
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("matplotlib", reason="needs the extra figures")

from support.study_commands import refused, run

from oneshot_hpo.experiments.analyze.fidelity_findings import (
    VERDICT,
    draw,
    fidelity_of,
    rows,
    sentences,
)
from oneshot_hpo.experiments.analyze.fidelity_gain import Draws, gain
from oneshot_hpo.experiments.analyze.fidelity_pilot import Pilot
from oneshot_hpo.experiments.numbers.rank_correlation import RankCorrelation
from oneshot_hpo.experiments.numbers.rung_agreement import RungAgreement, silent_words
from oneshot_hpo.experiments.study.validation import load_study
from oneshot_hpo.hpo import OptimizerSettings

SETTINGS = OptimizerSettings(min_budget=3, max_budget=12, eta=2, iterations=9)
COUNT = 40


@pytest.fixture(scope="module")
def spec():
    return load_study("quickstart", ["search.warmup_share=0.25"])


def pilot(agreements, seed=0):
    """Losses by budget with these correlations with the truth, and the truth at the largest."""
    rng = np.random.default_rng(seed)
    truth = np.random.default_rng(99).normal(size=COUNT)

    def with_noise(r):
        return r * truth + np.sqrt(1 - r * r) * rng.normal(size=COUNT)

    return {budget: with_noise(r) for budget, r in agreements.items()}


def found_of(spec, restarted, continued):
    return fidelity_of(
        spec,
        pilot({3: restarted, 6: restarted, 12: 0.98}, 1),
        pilot({3: continued, 6: continued, 12: 0.98}, 2),
        seed=0,
    )


def test_continuing_is_justified_where_ranks_agree_as_well(spec):
    found = found_of(spec, 0.9, 0.95)
    assert found.saved == pytest.approx(1 - found.epochs["continue"] / found.epochs["restart"])
    assert 0.1 < found.saved < 0.4
    assert found.gain > 0
    assert found.lost == []
    assert sentences("T", found)[-1] == "continuing is justified: yes"


def test_it_is_not_where_continued_searches_say_nothing_early(spec):
    found = found_of(spec, 0.9, 0.0)
    assert found.gain < 0
    assert found.lost == [3, 6]
    words = sentences("T", found)
    assert words[-1] == VERDICT + "no"
    assert "Continued, ranks after 3 and 6 epochs are not shown to say anything." in words


def test_it_is_not_where_nothing_is_shown(spec):
    found = found_of(spec, 0.0, 0.0)
    assert found.lost == []
    assert not any(rung.is_shown for rung in (*found.restarted, *found.continued))
    assert not found.is_justified


def test_the_agreement_is_the_planted_one(spec):
    found = found_of(spec, 0.9, 0.5)
    for rung in found.restarted:
        assert rung.correlation.low < 6 / np.pi * np.arcsin(0.9 / 2) < rung.correlation.high
    assert found.ceiling.correlation.rho > 0.9
    table = rows("T", found)
    assert [(row["promotion"], row["budget"]) for row in table] == [
        (way, budget) for way in ("restart", "continue") for budget in (3, 6, 12)
    ]
    assert table[0]["spearman"] == found.restarted[0].correlation.rho
    assert draw("T", found).axes[0].get_legend() is not None


def test_crashes_rank_last(spec):
    restarted, continued = pilot({3: 0.9, 6: 0.9, 12: 0.98}), pilot({3: 0.9, 6: 0.9, 12: 0.98}, 3)
    worst = np.argsort(restarted[12])[-5:]
    for losses in (*restarted.values(), *continued.values()):
        losses[worst] = np.inf
    found = fidelity_of(spec, restarted, continued, seed=0)
    assert found.restarted[0].correlation.rho > 0.8
    assert np.isfinite(found.gain)


@pytest.mark.slow
def test_where_seeds_decide_no_budget_is_recommended(spec):
    restarted = pilot({3: 0.0, 6: 0.0, 12: 0.98}, 1)
    found = fidelity_of(spec, restarted, pilot({3: 0.0, 6: 0.0, 12: 0.0}, 2), seed=0)
    words = " ".join(sentences("T", found))
    assert "Not even two searches of 12 epochs are shown to rank" in words
    assert "smaller budget" not in words
    ranked = fidelity_of(spec, restarted, pilot({3: 0.0, 6: 0.0, 12: 0.98}, 2), seed=0)
    words = " ".join(sentences("T", ranked))
    assert "Not even" not in words
    assert "no smaller budget would do (min_budget: 12)" in words


def test_equal_ranks_and_lower_cost_are_a_gain():
    rng = np.random.default_rng(0)
    same = {3: 0.6, 6: 0.8, 12: 0.9}
    cheaper = gain(Draws.of(SETTINGS, 0.3, rng), same, same)
    assert cheaper > 0
    free = Draws.of(SETTINGS, 0.0, rng)
    assert gain(free, same, {3: 0.0, 6: 0.0, 12: 0.9}) < 0
    perfect = {3: 1.0, 6: 1.0, 12: 1.0}  # without errors it is the same study
    assert gain(free, perfect, perfect) == pytest.approx(0, abs=0.05)


def test_a_warm_up_that_outlasts_a_rung_is_named():
    spec = load_study("quickstart", ["search.warmup_share=0.5"])
    words = " ".join(sentences("T", found_of(spec, 0.9, 0.9)))
    assert (
        "the first 6 train the weights alone: one that ends after 3 and 6 has learned no" in words
    )


def test_a_rung_that_says_nothing_is_named_with_the_smallest_that_does():
    def rung(budget, low, high):
        return RungAgreement(budget, RankCorrelation((low + high) / 2, low, high, 12))

    rungs = [rung(4, -0.4, 0.6), rung(12, -0.1, 0.7), rung(36, 0.2, 0.9)]
    words = silent_words(rungs, 108)
    assert words is not None
    assert words.startswith("Ranks after 4 and 12 epochs say nothing of those after 108")
    assert words.endswith("the smallest budget whose ranks do is 36 (min_budget: 36).")
    none = silent_words(rungs[:2], 36)
    assert none is not None
    assert none.endswith("no smaller budget would do (min_budget: 36).")
    assert silent_words(rungs[2:], 108) is None
    unknown = RungAgreement(4, RankCorrelation(np.nan, np.nan, np.nan, 3))
    assert not unknown.is_shown
    assert unknown.words == "unknown (n = 3)"


def test_a_larger_pilot_has_the_configurations_of_a_smaller_one(tmp_path, spec):
    small, large = (Pilot(spec, tmp_path, count, 0) for count in (5, 7))
    assert large.configurations[:5] == small.configurations
    assert len({str(config) for config in large.configurations}) == 7
    assert Pilot(spec, tmp_path, 5, 1).configurations != small.configurations


def test_refusals(tmp_path, tiny_study):
    out = ["--dir", tmp_path / "out"]
    words = refused("analyze", "fidelity", tiny_study, *out, "--set", "max_budget=1")
    assert "brackets of two budgets at least" in words
    path = tmp_path / "command.yaml"
    path.write_text(
        "searcher: command\ncommand: [python, '{folder}', '{x}', '{budget}']\n"
        "config_space: {x: [0.1, 0.2, 0.9]}\nmin_budget: 1\nmax_budget: 2\niterations: 1\n"
    )
    assert "a command cannot continue" in refused("analyze", "fidelity", path, *out)
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_tiny_pilot_ends_with_its_verdict_and_is_resumed(tmp_path, tiny_study):
    out = tmp_path / "analyses"
    words = ["analyze", "fidelity", tiny_study, "--dir", out, "--workers", 2]
    first = run(*words, "--configurations", 5)
    assert first.returncode == 0, first.stderr
    assert first.stdout.splitlines()[-1] in (VERDICT + "yes", VERDICT + "no")
    results = list(out.glob("searches/fidelity-*/*/result.json"))
    assert len(results) == 5 * (2 + 2)
    assert not list(out.rglob("*.pt"))
    with (out / "fidelity.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 4
    assert (out / "fidelity.txt").read_text().splitlines()[-1] == first.stdout.splitlines()[-1]

    before = {path: path.stat().st_mtime_ns for path in results}
    again = run(*words, "--configurations", 5)
    assert first.stdout.endswith(again.stdout)  # the progress of the pilot came before
    more = run(*words, "--configurations", 6)
    assert more.returncode == 0, more.stderr
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert len(list(Path(out).glob("searches/fidelity-*/*/result.json"))) == 6 * 4
