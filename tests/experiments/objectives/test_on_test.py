"""A study that selects on test says so wherever its numbers are shown."""

import csv
from pathlib import Path

import pytest
from support.made_study import confirm, run_study
from support.plans import plan, write_baselines

from oneshot_hpo.experiments.baselines.plan import Block
from oneshot_hpo.experiments.baselines.search import TableObjective, search
from oneshot_hpo.experiments.check.checking import verify
from oneshot_hpo.experiments.compare.comparing import compare
from oneshot_hpo.experiments.confirm.results import results_of
from oneshot_hpo.experiments.exports.csv_files import write
from oneshot_hpo.experiments.objectives.section import ON_TEST
from oneshot_hpo.experiments.report.reporting import write_report
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.experiments.study.outcome import Outcome
from oneshot_hpo.experiments.terminal.panel import trial_line


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A confirmed study."""
    folder = tmp_path_factory.mktemp("on_test") / "study"
    run_study(folder, "objective=test_mean", "iterations=3", "seed=1")
    confirm(folder, 6)
    return folder


def test_the_loss_is_the_test_error(folder: Path) -> None:
    study = OpenedStudy(folder)
    results = [result for _, result in study.view.evaluations if not result.crashed]
    for result in results:
        outcome = Outcome.from_result(result)
        assert outcome.loss == outcome.test != outcome.valid
        assert outcome.objective == "test_mean"
    assert study.view.header["specification"]["objective"] == "test_mean"
    assert not verify(folder).findings


@pytest.mark.slow
def test_status_report_comparison_and_exports_say_so(folder: Path, tmp_path: Path) -> None:
    study = OpenedStudy(folder)
    assert study.spec.title.endswith(", selected on test")
    assert study.caveats == [ON_TEST]
    trial, result = study.view.evaluations[0]
    assert trial_line(trial, result).endswith(" % test error")

    page = write_report(folder, [], tmp_path / "page.html").read_text()
    assert ON_TEST.replace("'", "&#39;") in page

    (space,) = compare(folder)
    assert f"{folder}: {ON_TEST}" in space.notes
    assert all("selected on test" in sample.method for sample in space.samples)

    write(study, tmp_path)
    rows = list(csv.DictReader((tmp_path / "trials.csv").open()))
    assert {row["objective"] for row in rows if row["state"] == "SUCCESS"} == {"test_mean"}
    assert study.confirmation is not None
    assert results_of(study.confirmation).splitlines()[1].endswith(b",test_mean,")


def test_baselines_select_on_test_and_say_so(tmp_path: Path) -> None:
    chosen = plan(methods="rs", objective="test_mean", evaluations=20, repetitions=3)
    objective = TableObjective.of_table("digits", 1)
    trace = search(chosen, Block("rs", 1, 0, 3), objective)
    assert (trace.losses == objective.test_errors[trace.cells]).all()
    assert "selection on test" in chosen.document["conventions"]["valid_error"]
    assert "mean of the repeats" in plan(methods="rs").document["conventions"]["valid_error"]

    (space,) = compare(write_baselines(tmp_path, chosen))
    assert any(note.endswith(ON_TEST) for note in space.notes)
