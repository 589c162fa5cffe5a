"""An error and costs as one loss: from a table, counted and measured, and what is refused."""

import csv
import dataclasses
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console
from sklearn.datasets import load_digits
from support.made_study import confirm, run_study
from support.made_table import registered

from oneshot_hpo.experiments.check.checking import verify
from oneshot_hpo.experiments.compare.comparing import compare
from oneshot_hpo.experiments.errors import StudyFileError, UserError
from oneshot_hpo.experiments.exports.csv_files import write
from oneshot_hpo.experiments.objectives.objective import Found, completed, objective_of
from oneshot_hpo.experiments.objectives.section import chosen
from oneshot_hpo.experiments.objectives.table_outcome import table_outcome
from oneshot_hpo.experiments.report.reporting import write_report
from oneshot_hpo.experiments.study.completion import complete
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.experiments.study.outcome import Outcome
from oneshot_hpo.experiments.study.status import show_status
from oneshot_hpo.experiments.study.validation import load_study
from oneshot_hpo.hpo import TrialResult
from oneshot_hpo.search_spaces import get_space, load_table
from oneshot_hpo.searchers import SearchSettings
from oneshot_hpo.searchers.network.scratch import ScratchSettings, parameter_count

SPACE = get_space(1)
ARCHITECTURE = SPACE.sample(np.random.default_rng(3))
SETTINGS = SearchSettings(channels=2, stacks=2, cells_per_stack=1)


def plus(error: Any = "mean", **weights: float) -> dict[str, Any]:
    return {"error": error, "plus": weights}


def evaluated(section: Any, **found: Any) -> Outcome:
    whole: dict[str, Any] = {"table": "digits", "dataset": "digits", "settings": SETTINGS, **found}
    one = Found(space=SPACE, architecture=ARCHITECTURE, **whole)
    return objective_of(section).evaluate(one, 0, lambda: False)


def test_costs_of_the_table_are_added_to_its_error() -> None:
    known = table_outcome("digits", SPACE, ARCHITECTURE)
    table = load_table("digits")
    row = table.row_of(SPACE, ARCHITECTURE)
    count, seconds = (float(table.values(name, row).mean()) for name in ("parameters", "seconds"))
    outcome = evaluated(plus(parameters=1e-6, seconds=0.01))
    assert known.valid is not None
    assert outcome.loss == pytest.approx(known.valid + 1e-6 * count + 0.01 * seconds)
    assert outcome.costs == {"parameters": count, "seconds": seconds}
    assert outcome.measured == ()
    assert outcome.objective == "mean + 1e-06 × parameters + 0.01 × seconds"
    same = {"loss": known.loss, "costs": {}, "objective": None}
    assert dataclasses.replace(outcome, **same) == known
    assert Outcome.from_result(TrialResult(outcome.loss, outcome.to_info())) == outcome


def test_latency_is_measured_and_marked_as_such() -> None:
    outcome = evaluated(plus("test_mean", latency=2.0, multiply_accumulates=1e-9))
    assert outcome.measured == ("latency",)
    assert outcome.cost_label("latency") == "latency (measured)"
    assert outcome.cost_label("multiply_accumulates") == "multiply_accumulates"
    assert outcome.test is not None
    cost = 2 * outcome.costs["latency"] + 1e-9 * outcome.costs["multiply_accumulates"]
    assert outcome.loss == pytest.approx(outcome.test + cost)
    again = evaluated(plus(multiply_accumulates=1e-9))
    assert again.costs["multiply_accumulates"] == outcome.costs["multiply_accumulates"] > 1000


def test_a_training_may_be_weighed_with_the_parameters_of_its_network(tmp_path: Path) -> None:
    digits = load_digits()
    np.savez(tmp_path / "few.npz", images=digits.images[:150], labels=digits.target[:150])
    train = {"train": {"epochs": 1, "channels": 2, "stacks": 2, "batch_size": 50}}
    section = plus(train, parameters=1e-6)
    outcome = evaluated(section, table=None, dataset=str(tmp_path / "few.npz"))
    size = ScratchSettings(channels=2, stacks=2)
    counted = parameter_count(SPACE, ARCHITECTURE, 1, 10, size)
    assert outcome.costs == {"parameters": counted}
    assert outcome.valid is not None
    assert outcome.loss == pytest.approx(outcome.valid + 1e-6 * counted)
    assert completed(section)["error"]["train"]["learning_rate"] == 0.01  # type: ignore[index]


@pytest.mark.parametrize(
    ("section", "words"),
    [
        (plus(), r"objective\.plus: must be \{COST: WEIGHT\}"),
        ({"error": "mean"}, "objective: has the keys error .* and plus .*, not error"),
        ({"error": "mean", "plus": {"seconds": 1}, "cost": 3}, "not error, plus, cost"),
        (plus(parameters=-1.0), r"objective\.plus\.parameters: must be a number above 0, not -1"),
        (plus(parameters=True), r"objective\.plus\.parameters: must be a number above 0"),
        (plus(plus(seconds=1.0), seconds=1.0), r"objective\.error: cannot have plus itself"),
        (plus("median", seconds=1.0), "no objective 'median'"),
        (
            plus(flops=1.0),
            "flops: the table of digits has valid_error, test_error, seconds, parameters; of a "
            "network there are multiply_accumulates, latency",
        ),
    ],
)
def test_what_cannot_be_weighed_is_refused_in_a_line(section: Any, words: str) -> None:
    spec = load_study("quickstart").model_copy(update={"objective": section})
    with pytest.raises(StudyFileError, match=f"^mine: .*{words}"):
        complete(spec, "mine")


def test_scores_and_spaces_without_networks_are_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    table = load_table(str(registered(monkeypatch, tmp_path)))
    space = get_space("grouped")
    with pytest.raises(UserError, match="valid_ssim: more of it is better, so that it is no cost"):
        objective_of(plus(valid_ssim=1.0)).check(space, table)
    with pytest.raises(UserError, match="there are no networks of the grouped space to count"):
        objective_of(plus(multiply_accumulates=1.0)).check(space, table)
    with pytest.raises(UserError, match="seconds: the study has no table; of a network there are"):
        objective_of(plus("train", seconds=1.0)).check(get_space("darts"), None)
    objective_of(plus(latency=1.0)).check(space, table)  # the table has it


@pytest.mark.slow
def test_a_study_shows_its_loss_and_its_costs(tmp_path: Path) -> None:
    section = "{error: mean, plus: {parameters: 1.0e-6}}"
    folder = run_study(tmp_path / "study", f"objective={section}", "iterations=3", "seed=1")
    confirm(folder, 6)
    study = OpenedStudy(folder)
    assert chosen(study.spec.objective).words == "mean + 1e-06 × parameters"
    assert not verify(folder).findings

    text = io.StringIO()
    show_status(Console(file=text, width=200), folder)
    assert "best so far  loss 0." in text.getvalue()
    assert "parameters" in text.getvalue()

    page = write_report(folder, [], tmp_path / "page.html").read_text()
    assert "Best so far" not in page and ">loss<" in page.replace("\n", "")
    assert r"100 \u00d7 loss" in page
    assert OpenedStudy(folder).measure == "loss"
    (space,) = compare(folder)
    assert any("its objective is mean + 1e-06 × parameters" in note for note in space.notes)
    write(study, tmp_path)
    row = next(csv.DictReader((tmp_path / "trials.csv").open()))
    loss = float(row["validation_error"]) + 1e-6 * float(row["cost.parameters"])
    assert float(row["loss"]) == pytest.approx(loss)
