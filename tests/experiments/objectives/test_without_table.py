"""Without a table there is no regret and no percentile: they are absent everywhere, never zero."""

import csv
import io
import re
from pathlib import Path

import pytest
from rich.console import Console
from support.made_study import confirm, run_study

from oneshot_hpo.experiments.atlas.making import write_atlas
from oneshot_hpo.experiments.check.checking import verify
from oneshot_hpo.experiments.compare.comparing import compare
from oneshot_hpo.experiments.compare.display import print_spaces
from oneshot_hpo.experiments.compare.tables import write_table
from oneshot_hpo.experiments.confirm.results import results_of
from oneshot_hpo.experiments.errors import NotEnoughData, UserError
from oneshot_hpo.experiments.exports.evaluations import exported_study
from oneshot_hpo.experiments.exports.writing import write_export
from oneshot_hpo.experiments.numbers.cells import found_cells
from oneshot_hpo.experiments.numbers.one_shot import one_shot_correlation
from oneshot_hpo.experiments.numbers.regret import regret_curves
from oneshot_hpo.experiments.numbers.sources import read_figure_sources
from oneshot_hpo.experiments.numbers.trajectories import trajectories
from oneshot_hpo.experiments.report.reporting import write_report
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.experiments.study.status import show_status

OBJECTIVE = "objective={train: {epochs: 1}}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A confirmed study of space 1 without a table."""
    folder = tmp_path_factory.mktemp("without") / "study"
    run_study(folder, "table=null", OBJECTIVE, "iterations=3", "seed=1")
    confirm(folder, 6)
    return folder


@pytest.fixture(scope="module")
def with_table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A confirmed study that has one."""
    folder = tmp_path_factory.mktemp("with") / "study"
    run_study(folder, "iterations=2", "seed=1")
    confirm(folder, 6)
    return folder


def printed(show: object, *arguments: object) -> str:
    text = io.StringIO()
    show(Console(file=text, width=300), *arguments)  # type: ignore[operator]
    return text.getvalue()


def test_journals_and_frames_have_no_such_number(folder: Path) -> None:
    for journal in (folder / "journal.jsonl", folder / "confirm" / "confirmation.jsonl"):
        results = [line for line in journal.read_text().splitlines() if '"event": "tell"' in line]
        assert results
        assert not any("regret" in line or "percentile" in line for line in results)
    study = OpenedStudy(folder)
    frame = study.trials_frame()
    assert frame[["valid_regret", "regret", "percentile"]].isna().all(axis=None)
    assert frame.loc[frame["state"] == "finished", "test_error"].notna().all()
    assert set(frame["objective_seconds"].dropna()) == {2.0}
    assert study.lacks("regret", "percentile") and not study.lacks("test")
    assert study.table_name is None
    assert not verify(folder).findings


def test_status_shows_errors_and_what_the_objective_cost(folder: Path) -> None:
    text = printed(show_status, folder)
    assert "test error" in text and "objective" in text and "2.0 s" in text
    assert "regret" not in text and "better than" not in text
    assert re.search(r"The searches took \d+:\d+.* of one worker, their objective \d:\d\d\.", text)
    assert "points better on validation" in text or "points worse on validation" in text


def test_the_report_leaves_them_out(folder: Path, tmp_path: Path) -> None:
    page = write_report(folder, [], tmp_path / "page.html").read_text()
    assert "There is no regret without a table" in page
    assert "percentile" not in page.partition("All trials of the study")[2].partition("<tr")[0]
    assert "median test error" in page and "median test regret" not in page
    assert "nan" not in page.partition("<body")[2].partition("<script")[0].lower().split()


def test_runs_are_compared_by_their_test_errors(folder: Path, tmp_path: Path) -> None:
    (space,) = compare(folder)
    assert {sample.measure for sample in space.samples} == {"test error"}
    assert all(sample.table is None for sample in space.samples)
    assert any("there is no table, so no regret" in note for note in space.notes)
    text = printed(print_spaces, [space])
    assert "test error in space 1, in percent" in text
    assert "regret" not in text.partition("note:")[0]
    for name in ("table.csv", "table.md", "table.tex"):
        write_table(tmp_path / name, [space])
    assert "Test error in percent, mean and standard" in (tmp_path / "table.md").read_text()
    (row, *_) = csv.DictReader((tmp_path / "table.csv").open())
    assert row["table"] == "" and float(row["mean"]) > 1


def test_a_study_with_a_table_is_not_compared_with_one_without(
    folder: Path, with_table: Path
) -> None:
    with pytest.raises(UserError, match=r"has a test regret, .* a test error: they cannot be"):
        compare(with_table, folder)


def test_exports_have_no_columns_of_them(folder: Path, tmp_path: Path) -> None:
    study = exported_study(folder)
    for tool in ("csv", "hpbandster", "optuna"):
        write_export(study, tmp_path / tool, tool)
    header = (tmp_path / "csv" / "trials.csv").read_text().splitlines()[0]
    assert "test_error" in header and "objective_seconds" in header
    assert "regret" not in header and "percentile" not in header
    assert "regret" not in (tmp_path / "hpbandster" / "results.json").read_text()
    assert study.confirmation is not None
    header = results_of(study.confirmation).splitlines()[0].decode()
    assert "test_error" in header and "regret" not in header and "percentile" not in header


def test_figures_leave_regret_out_and_keep_the_rest(folder: Path, with_table: Path) -> None:
    sources = read_figure_sources([str(folder)])
    assert sources.table is None
    for axis in ("evaluations", "real"):
        with pytest.raises(NotEnoughData, match="there is no regret without a table"):
            regret_curves(sources, 1, axis, "test")  # type: ignore[arg-type]
    shown = trajectories(sources, 1)
    assert shown.table is None
    assert all(len(one.test.x) == 1 for one in shown.found)  # the last cell alone was trained
    study = OpenedStudy(folder)
    assert found_cells(study)[0].errors.startswith("validation error ")
    assert one_shot_correlation(study).table is None

    both = read_figure_sources([str(with_table), str(folder)])
    curves = regret_curves(both, 1, "evaluations", "test")
    assert curves.table == "digits"
    assert any("no regret without a table" in note for note in curves.notes)


def test_an_atlas_needs_a_table(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="the study file of quickstart has no table"):
        write_atlas(space=None, table=None, folders=[folder], cells=[], out=tmp_path / "atlas.html")
