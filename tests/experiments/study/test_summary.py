import io
from pathlib import Path

import pytest
from rich.console import Console
from support.scripted_study import Loss, better_later, work

from oneshot_hpo.experiments.numbers.pace import seconds_left
from oneshot_hpo.experiments.study.summary import comparing_words, print_summary, verdict
from oneshot_hpo.hpo import Study, TrialResult


def printed(study: Study, folder: Path) -> str:
    console = Console(file=io.StringIO(), width=80)
    print_summary(console, study, folder)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_tuned_is_shown_against_default(study: Study, tmp_path: Path) -> None:
    work(study, better_later)
    text = printed(study, tmp_path)
    rows = [line.split("│")[1:4] for line in text.splitlines() if line.startswith("│")]
    table = {name.strip(): (default.strip(), tuned.strip()) for name, default, tuned in rows}
    assert table["validation error"] == ("5.00 %", "3.00 %")
    assert table["test error"] == ("6.00 %", "4.00 %")
    assert table["test regret"] == ("0.50 %", "0.50 %")
    assert table["better than"] == ("90.0 % of cells", "90.0 % of cells")
    assert table["learning_rate"][0] == "0.025"
    assert "2.00 percentage points better on validation, 2.00 points" in " ".join(text.split())
    deep = tmp_path / ("long" * 30)
    assert str(deep / "journal.jsonl") in printed(study, deep).splitlines()[-3]


@pytest.mark.parametrize(
    ("loss", "words"),
    [
        (lambda trial: 0.05 if trial.id[0] < 0 else 0.06, "still the best"),
        (lambda trial: 0.05, "still the best"),
        (lambda trial: None if trial.id[0] < 0 else 0.06, "The default configuration crashed"),
        (lambda trial: None, "Every evaluation crashed, the last one: SearchDiverged"),
        (
            lambda trial: None if trial.id[0] == 0 else 0.05 - 0.01 * trial.id[0],
            "evaluations crashed",
        ),
    ],
)
def test_the_verdict_is_honest(study: Study, tmp_path: Path, loss: Loss, words: str) -> None:
    work(study, loss)
    assert study.finished
    assert words in verdict(study)
    assert words in " ".join(printed(study, tmp_path).split())


def test_what_comparing_cells_cost_is_said(study: Study, tmp_path: Path) -> None:
    work(study, better_later, evaluations=1)
    assert not comparing_words(study)
    trial = study.ask()
    assert trial is not None
    spent = {"search_seconds": 80.0 - 10 * study.evaluations[0][0].budget, "compare_seconds": 20.0}
    study.tell(trial, TrialResult(0.04, {"valid_error": 0.04}, None, spent))
    assert comparing_words(study) == (
        "Comparing cells took 0:20 of the searches' 1:20 (25%); that does not depend on the budget."
    )


def test_what_comparing_cells_takes_is_expected_of_every_search_alike(study: Study) -> None:
    for seconds in (30.0, 30.0 + 2.0):
        trial = study.ask()
        assert trial is not None
        spent = {"search_seconds": seconds + 4 * trial.budget, "compare_seconds": seconds}
        study.tell(trial, TrialResult(0.04, {"valid_error": 0.04}, None, spent))
    rungs = [rung for bracket in study.brackets for rung in bracket.rungs]
    wanted = sum((rung.planned - rung.finished) * (31 + 4 * rung.budget) for rung in rungs)
    assert seconds_left(study, 1) == pytest.approx(wanted)
