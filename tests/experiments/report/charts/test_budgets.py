"""What a study's page says of its budgets."""

from __future__ import annotations

from pathlib import Path

from support.made_study import run_study

from oneshot_hpo.experiments.numbers.budgets import budget_ranks, promotion_cost
from oneshot_hpo.experiments.numbers.rung_agreement import silent_words
from oneshot_hpo.experiments.report.charts.budgets import chart
from oneshot_hpo.experiments.study.opened import OpenedStudy


def test_the_caption_says_what_restarted_trials_cost(tmp_path: Path) -> None:
    study = OpenedStudy(run_study(tmp_path / "study"))
    cost = promotion_cost(study)
    caption = chart(study).caption
    assert f"{cost.repeated:,.0f} of {cost.spent:,.0f} epochs" in caption
    assert "went on" not in caption
    silent = silent_words(budget_ranks(study).with_largest, 12)
    assert ("say nothing" in caption) == (silent is not None)


def test_the_caption_says_what_continued_trials_saved(tmp_path: Path) -> None:
    study = OpenedStudy(run_study(tmp_path / "study", "promotion=continue"))
    caption = chart(study).caption
    assert f"which saved {promotion_cost(study).saved:,.0f} epochs" in caption
    assert "began again" not in caption
