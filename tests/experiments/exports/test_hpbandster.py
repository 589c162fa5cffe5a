"""HpBandSter's own reader on what we write."""

import json
from pathlib import Path
from typing import Any

import pytest
from ConfigSpace import ConfigurationSpace
from hpbandster.core.result import Result, logged_results_to_HBS_result
from support.exported_study import warm_started

from oneshot_hpo.experiments.exports import deepcave, hpbandster
from oneshot_hpo.experiments.exports.evaluations import exported_study
from oneshot_hpo.experiments.exports.hpbandster import write
from oneshot_hpo.experiments.exports.hpbandster_run import read_run
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.hpo import BASELINE_ID, Observation, StudyView


@pytest.fixture(scope="module")
def folder(told: OpenedStudy, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hpbandster")
    write(told, folder)
    return folder


@pytest.fixture(scope="module")
def read(folder: Path) -> Result:
    return logged_results_to_HBS_result(str(folder))


def test_every_configuration_is_there_with_how_it_was_found(read: Result, view: StudyView) -> None:
    trials = [*(trial for trial, _ in view.evaluations), *view.pending]
    first = {t.id: t for t in sorted(trials, key=lambda t: -t.seq)}
    assert read.get_id2config_mapping() == {
        trial.id: {"config": trial.config, "config_info": view.record(trial).info}
        for trial in first.values()
    }
    assert BASELINE_ID in first
    picks = [view.record(trial).info["model_based_pick"] for trial in first.values()]
    assert {True, False} <= set(picks)


def test_every_run_is_there_with_its_result_times_and_crash(
    read: Result, told: OpenedStudy, view: StudyView
) -> None:
    runs = {(run.config_id, run.budget): run for run in read.get_all_runs()}
    assert runs.keys() == {(trial.id, trial.budget) for trial, _ in view.evaluations}
    begin = read.HB_config["time_ref"]
    for trial, result in view.evaluations:
        run = runs[trial.id, trial.budget]
        assert (run.loss, run.error_logs) == (result.loss, result.exception)
        expected = {name: time - begin for name, time in told.trial_times(trial, result).items()}
        assert run.time_stamps == expected
        assert run.time_stamps["submitted"] <= run.time_stamps["finished"]
        if not result.crashed:
            seconds = {"search_seconds": result.timestamps["search_seconds"]}
            assert run.info == result.info | seconds
    assert read.HB_config["budgets"] == [1, 2, 4]


def test_the_incumbent_and_its_trajectory_are_the_journals(read: Result, view: StudyView) -> None:
    assert view.incumbent is not None
    assert read.get_incumbent_id() == view.incumbent[0].id
    trajectory = read.get_incumbent_trajectory()
    assert trajectory["config_ids"][-1] == view.incumbent[0].id
    assert trajectory["losses"][-1] == view.incumbent[1].loss
    steps = list(
        zip(trajectory["config_ids"], trajectory["budgets"], trajectory["losses"], strict=True)
    )
    steps = [step for n, step in enumerate(steps) if n == 0 or step != steps[n - 1]]
    assert steps == incumbents(view)
    assert len(steps) > 2


def incumbents(view: StudyView) -> list[tuple[Any, ...]]:
    """The study's incumbent after each result that changed it."""
    found: list[tuple[Any, ...]] = []
    for trial, result in view.evaluations:
        step = (trial.id, trial.budget, result.loss)
        if result.loss is None:
            continue
        if not found or (-trial.budget, result.loss) < (-found[-1][1], found[-1][2]):
            found.append(step)
    return found


def test_the_configuration_space_is_the_studys(folder: Path, view: StudyView) -> None:
    assert ConfigurationSpace.from_json(folder / "configspace.json") == view.space


def test_what_a_warm_started_study_began_with_is_read(tmp_path: Path) -> None:
    """As HpBandSter has the runs of its previous_result in its own result."""
    study = exported_study(warm_started(tmp_path / "study"))
    write(study, tmp_path)
    read = logged_results_to_HBS_result(str(tmp_path))
    runs = {(run.config_id, run.budget): run.loss for run in read.get_all_runs()}
    assert runs == {
        ((-2, 0, 0), 1): 0.5,
        ((-2, 0, 1), 1): 0.75,
        ((-2, 0, 2), 2): None,
        ((-2, 0, 1), 4): 0.25,
        (BASELINE_ID, 4): 0.375,
    }
    assert read.get_id2config_mapping()[-2, 0, 1]["config_info"] == {"prior": True}
    prior = study.view.prior
    own = [Observation(study.view.evaluations[0][0].config, 4, 0.375)]
    assert read_run(tmp_path, study.view.space, 4) == prior + own


@pytest.mark.parametrize("tool", [hpbandster, deepcave])
def test_the_space_can_have_the_form_that_configspace_0_4_reads(
    told: OpenedStudy, tmp_path: Path, tool: Any
) -> None:
    """What ConfigSpace 0.4.21 looks up in its json.read, and what it wrote itself."""
    tool.write(told, tmp_path, "0.4")
    document = json.loads((tmp_path / "configspace.json").read_text())
    assert document["hyperparameters"] == [
        {
            "name": name,
            "type": "uniform_float",
            "log": log,
            "lower": lower,
            "upper": upper,
            "default": default,
        }
        for name, log, lower, upper, default in (
            ("cutout_prob", False, 0.0, 1.0, 0.0),
            ("learning_rate", True, 1e-3, 1.0, 0.025),
            ("weight_decay", True, 1e-5, 1e-3, 3e-4),
        )
    ]
    assert (document["conditions"], document["forbiddens"]) == ([], [])
    assert document["name"] == "cs2"
