"""The forecast that a study keeps, and what its report makes of it."""

from pathlib import Path

import pytest
from support.page_study import DIGITS, result_of, tell_all
from support.study_commands import called, refused

from oneshot_hpo.experiments.forecast.kept import kept_forecast, read_kept, truth_of
from oneshot_hpo.experiments.report.forecasts import read
from oneshot_hpo.experiments.report.reporting import write_report
from oneshot_hpo.experiments.study.completion import complete, freeze
from oneshot_hpo.experiments.study.folder import create_study
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.experiments.study.validation import load_study
from oneshot_hpo.hpo import Study


def write_forecast(path: Path, *arguments: object) -> None:
    """The output of the command, with a pace that is given."""
    words = ("--epoch-seconds", 0.3, "--simulations", 20, "--json")
    ended = called("forecast", *arguments, *words)
    assert ended.returncode == 0, ended.stderr
    path.write_text(ended.stdout)


@pytest.mark.slow
def test_a_study_keeps_its_forecast_and_the_report_scores_it(
    tmp_path: Path, tiny_study: Path
) -> None:
    overrides = (*DIGITS, "workers=1")  # results arrive one after the other
    settings = [word for one in overrides for word in ("--set", one)]
    write_forecast(tmp_path / "f.json", tiny_study, *settings)
    spec = freeze(complete(load_study(str(tiny_study), overrides), "made"))
    kept = read_kept(tmp_path / "f.json", spec)

    folder = tmp_path / "study"
    with create_study(folder, spec, forecast=kept) as study:
        study.tell(first := study.ask(), result_of(folder, first, "digits"))
        assert "what it takes is not known yet" in write_report(folder, []).read_text()
        tell_all(study, folder, "digits")
    opened = OpenedStudy(folder)
    forecast, truth = kept_forecast(opened), truth_of(opened)
    assert forecast is not None and truth is not None
    assert truth.wall_seconds < forecast.wall_seconds.low  # nothing was searched
    assert truth.gpu_hours == pytest.approx(2 * sum(t.budget for t, _ in opened.trials) / 3600)
    assert truth.first_model_pick == forecast.first_model_pick
    page = write_report(folder, []).read_text()
    assert "The wall time is outside the interval that held 90 % of the simulations" in page
    assert f"evaluation {truth.first_model_pick}" in page


def made_with_forecast(folder: Path, study_file: Path, *rules: str) -> Study:
    """A new study in `folder` that keeps a forecast, with these stop rules."""
    overrides = (*DIGITS, "workers=1", *rules)
    forecast_file = folder.with_suffix(".json")
    settings = [word for one in overrides for word in ("--set", one)]
    write_forecast(forecast_file, study_file, *settings)
    spec = freeze(complete(load_study(str(study_file), overrides), "made"))
    return create_study(folder, spec, forecast=read_kept(forecast_file, spec))


@pytest.mark.slow
def test_a_forecast_says_nothing_of_a_study_that_was_extended(
    tmp_path: Path, tiny_study: Path
) -> None:
    folder = tmp_path / "study"
    with made_with_forecast(folder, tiny_study) as study:
        tell_all(study, folder, "digits")
    assert "extended" not in read(OpenedStudy(folder)).sentence  # type: ignore[union-attr]
    ended = called("extend", folder, "--iterations", 1)
    assert ended.returncode == 0, ended.stderr
    section = read(OpenedStudy(folder))
    assert section is not None
    assert "The study was extended since" in section.sentence
    assert "truth" not in [column.heading for column in section.table.columns]


def test_a_rule_by_results_that_ended_a_study_is_named(tmp_path: Path, tiny_study: Path) -> None:
    folder = tmp_path / "study"
    with made_with_forecast(folder, tiny_study, "stop.target_error=0.5") as study:
        trial = study.ask()
        assert trial is not None
        study.tell(trial, result_of(folder, trial, "digits"))
        study.reach_stop("target_error", "made")
    section = read(OpenedStudy(folder))
    assert section is not None
    assert "The rule target_error, which no forecast knows, ended the study" in section.sentence


@pytest.mark.slow
def test_a_forecast_of_another_study_is_refused(tmp_path: Path) -> None:
    small = ("--set", "iterations=2", "--workers", 1)
    write_forecast(tmp_path / "f.json", "quickstart", *small)
    (tmp_path / "bad.json").write_text('{"wall_seconds": {}}')
    for name, words, message in (
        ("f.json", ("--workers", 1), "12 evaluations, this one has 43"),
        ("f.json", ("--workers", 2, "--set", "iterations=2"), "1 workers, this one has 2"),
        (
            "f.json",
            ("--workers", 1, "--set", "iterations=2", "--set", "stop.gpu_hours=3"),
            "other stop rules",
        ),
        ("bad.json", (), "output of oneshot-hpo forecast --json"),
        ("none.json", (), "output of oneshot-hpo forecast --json"),
    ):
        launch = ("launch", "quickstart", *words, "--forecast", tmp_path / name)
        assert message in refused(*launch, cwd=tmp_path)
    assert not (tmp_path / "studies").exists()
