"""What a study's best value is expected to be with new seeds."""

import io
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from support.made_study import confirm, new_study, run_study

from oneshot_hpo.experiments.report.headline import read
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.experiments.study.status import show_status
from oneshot_hpo.hpo import TrialResult


def printed(folder: Path) -> str:
    console = Console(file=io.StringIO(), width=200)
    show_status(console, folder)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run_study(tmp_path_factory.mktemp("made") / "study", "iterations=9", "seed=4")


def test_the_best_value_is_shrunk(made: Path) -> None:
    study = OpenedStudy(made)
    shrunken = study.shrunken
    assert shrunken is not None
    assert study.view.incumbent is not None
    assert shrunken.measured == study.view.incumbent[1].loss
    assert shrunken.evaluations == 1
    assert shrunken.among == sum(
        trial.budget == study.largest_budget and not result.crashed
        for trial, result in study.view.evaluations
    )
    assert shrunken.posterior > shrunken.measured
    assert shrunken.optimism == shrunken.posterior - shrunken.measured
    assert shrunken.beats_default is not None
    assert 0.5 < shrunken.beats_default <= 1
    assert shrunken.default is not None
    assert shrunken.posterior < shrunken.default


def test_it_is_printed_and_on_the_page(made: Path) -> None:
    study = OpenedStudy(made)
    assert study.shrunken is not None
    expected = f"{100 * study.shrunken.posterior:.2f} %"
    text = printed(made)
    row = next(line for line in text.splitlines() if "expected with new seeds" in line)
    assert row.split("│")[3].strip() == expected
    assert study.shrunken.words in " ".join(text.split())
    assert f"{expected} is expected with new seeds" in study.shrunken.words

    headline = read(study)
    assert study.shrunken.words in headline.sentences
    assert headline.cards[0].detail.endswith(f"{expected} expected with new seeds")


@pytest.mark.slow
def test_runs_of_the_confirmation_count(made: Path, tmp_path: Path) -> None:
    folder = run_study(tmp_path / "study", "iterations=9", "seed=4")
    confirm(folder, 6)
    study, before = OpenedStudy(folder), OpenedStudy(made).shrunken
    shrunken = study.shrunken
    assert shrunken is not None
    assert before is not None
    assert shrunken.evaluations == 7
    assert shrunken.is_repeated
    assert not before.is_repeated

    assert study.confirmation is not None
    groups = [
        [run.loss for _, run in study.confirmation.results_of(name).values()]
        for name in study.confirmation.settings
    ]
    assert study.view.incumbent is not None
    assert study.view.baseline is not None
    for own, (_, result) in zip(groups, (study.view.baseline, study.view.incumbent), strict=True):
        own.append(result.loss)
    pooled = np.sqrt(np.mean([np.var(own, ddof=1) for own in groups]))
    assert shrunken.noise.deviation == pytest.approx(pooled)
    assert shrunken.measured == pytest.approx(np.mean(groups[1]))


@pytest.mark.slow
@pytest.mark.parametrize("settings", [["trial_seed=study", "iterations=9"], ["iterations=1"]])
def test_nothing_is_said_without_grounds(tmp_path: Path, settings: list[str]) -> None:
    """All searches share a seed and so their noise, or there are too few."""
    folder = run_study(tmp_path / "study", *settings)
    assert OpenedStudy(folder).shrunken is None
    assert "expected with new seeds" not in printed(folder)


def test_equal_losses_show_no_noise(tmp_path: Path) -> None:
    with new_study(tmp_path / "study", "iterations=9") as study:
        while (trial := study.ask()) is not None:
            study.tell(trial, TrialResult(0.05, {"valid_error": 0.05}))
    shown = OpenedStudy(tmp_path / "study")
    assert shown.shrunken is None
    assert "still the best" in printed(tmp_path / "study")
