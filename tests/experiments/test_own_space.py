"""A study in a space of its own, for every reader of its journal.

It has a conditional, a categorical with true, false and null, an ordinal, a constant and a
forbidden combination; its searches are simulated.
"""

import csv
import html
import json
import re
from pathlib import Path

import numpy as np
import optuna
import pytest
from ConfigSpace import ConfigurationSpace
from hpbandster.core.result import logged_results_to_HBS_result
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from support.made_once import made_once
from support.made_study import confirm, run_study

from oneshot_hpo.experiments.check.checking import verify
from oneshot_hpo.experiments.cli.exports import export
from oneshot_hpo.experiments.compare.comparing import compare
from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.experiments.figures.configurations import draw_configurations
from oneshot_hpo.experiments.figures.dependence import draw_dependence
from oneshot_hpo.experiments.figures.importance import draw_importance
from oneshot_hpo.experiments.numbers.configurations import configurations
from oneshot_hpo.experiments.numbers.groups import group_studies
from oneshot_hpo.experiments.numbers.importance import importance
from oneshot_hpo.experiments.numbers.sources import read_figure_sources
from oneshot_hpo.experiments.report.reporting import write_report
from oneshot_hpo.experiments.study.completion import complete
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.experiments.study.validation import load_study

SPACE = (
    "{learning_rate: {lower: 1e-3, upper: 1, log: true}, batch_size: {sequence: [32, 64, 96]},"
    " crop_and_flip: {choices: [true, false, null]}, momentum: {constant: 0.8},"
    " cutout_prob: {lower: 0, upper: 1}, cutout_length: {lower: 2, upper: 8, log: true},"
    " conditions: [{child: cutout_length, parent: cutout_prob, greater_than: 0.4}],"
    " forbidden: [{batch_size: 96, crop_and_flip: true}]}"
)
AXES = ["batch_size", "crop_and_flip", "cutout_prob", "learning_rate", "cutout_length"]
TITLE = "its own space (5 hyperparameters)"


def run(folder: Path, config_space: str, *settings: str) -> Path:
    small = ("max_budget=4", "min_budget=2", "iterations=12", "search.batch_size=64")
    return run_study(folder, f"config_space={config_space}", *small, "seed=1", *settings)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> OpenedStudy:
    """Finished and confirmed. Not to be changed."""

    def make(folder: Path) -> None:
        run(folder / "study", SPACE)
        confirm(folder / "study", seeds=3)

    return OpenedStudy(made_once(tmp_path_factory, "own_space", make) / "study")


def active(study: OpenedStudy, name: str) -> list[bool]:
    return [name in trial.config for trial, _ in study.trials]


def test_its_journal_is_sound_and_its_file_makes_the_same_study(study: OpenedStudy) -> None:
    assert set(active(study, "cutout_length")) == {True, False}
    picks = [study.view.record(trial).info["model_based_pick"] for trial, _ in study.trials]
    assert True in picks
    assert not verify(study.folder).findings
    again = complete(load_study(str(study.folder / "study.yaml")), "study.yaml")
    assert again == study.spec
    assert again.configuration_space() == study.view.space
    assert TITLE in study.spec.title


def test_frames_and_csv_leave_out_what_is_inactive(study: OpenedStudy, tmp_path: Path) -> None:
    frame = study.trials_frame()
    assert frame["config.cutout_length"].notna().tolist() == active(study, "cutout_length")
    assert set(frame["config.momentum"]) == {0.8}
    export([study.folder], "csv", tmp_path / "csv")
    with (tmp_path / "csv" / "trials.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["cutout_length"] != "" for row in rows] == active(study, "cutout_length")
    assert {row["batch_size"] for row in rows} == {"32", "64", "96"}


@pytest.mark.slow
def test_tools_read_its_exports(study: OpenedStudy, tmp_path: Path) -> None:
    configs = {trial.id: trial.config for trial, _ in study.trials}
    for tool in ("hpbandster", "deepcave"):
        export([study.folder], tool, tmp_path / tool)
    folder = tmp_path / "hpbandster"
    assert ConfigurationSpace.from_json(folder / "configspace.json") == study.view.space
    read = logged_results_to_HBS_result(str(folder)).get_id2config_mapping()
    assert {key: one["config"] for key, one in read.items()} == configs

    export([study.folder], "optuna", tmp_path / "optuna")
    storage = JournalStorage(JournalFileBackend(str(tmp_path / "optuna" / "journal.log")))
    trials = optuna.load_study(study_name=None, storage=storage).trials
    named = {trial.key.split("/")[0]: trial.config for trial, _ in study.trials}
    assert {trial.user_attrs["id"]: trial.params for trial in trials} == named


def test_the_older_form_has_conditions_but_no_comparisons(
    study: OpenedStudy, tmp_path: Path
) -> None:
    export([study.folder], "hpbandster", tmp_path / "old", configspace="0.4")
    document = json.loads((tmp_path / "old" / "configspace.json").read_text())
    assert document["conditions"] == [
        {"type": "GT", "child": "cutout_length", "parent": "cutout_prob", "value": 0.4}
    ]
    assert [clause["type"] for clause in document["forbiddens"]] == ["AND"]
    with_comparison = SPACE.replace("batch_size: 96,", "cutout_prob: {greater_than: 0.9},")
    other = run(tmp_path / "other", with_comparison, "iterations=0")
    with pytest.raises(UserError, match=r"ConfigSpace 0\.4 has no comparisons"):
        export([other], "hpbandster", tmp_path / "refused", configspace="0.4")


@pytest.mark.slow
def test_figures_show_what_is_tuned(study: OpenedStudy) -> None:
    found = configurations(study)
    assert [axis.name for axis in found.axes] == AXES
    ticks = {axis.name: [text for _, text in axis.ticks] for axis in found.axes}
    assert ticks["batch_size"] == ["32", "64", "96"]
    assert ticks["crop_and_flip"] == ["true", "false", "null"]
    is_active = ["cutout_length" in config for config in found.values]
    assert np.isfinite(found.places[:, AXES.index("cutout_length")]).tolist() == is_active

    figure = draw_configurations(found)
    words = [text.get_text() for text in figure.axes[0].texts]
    assert words.count("inactive") == 1
    lines = [line.get_ydata() for line in figure.axes[0].get_lines()]
    assert np.isfinite(np.concatenate(lines)).all()

    important = importance(study)
    assert [axis.name for axis in important.axes] == AXES
    assert np.isnan(important.default[AXES.index("cutout_length")])
    for one in important.budgets:
        assert np.isfinite(one.importance.median).all()
    draw_importance(important).canvas.draw()
    draw_dependence(important).canvas.draw()


@pytest.mark.slow
def test_the_page_shows_inactive_ones_as_nothing(study: OpenedStudy, tmp_path: Path) -> None:
    page = write_report(study.folder, [], out=tmp_path / "page.html").read_text()
    assert f"tuned in {TITLE}" in html.unescape(page)
    assert '"inactive"' in page
    tables = re.findall(r"<table.*?</table>", page, re.DOTALL)
    [table] = [one for one in tables if "beside the default" in one]
    rows = {}
    for row in re.findall(r"<tr.*?</tr>", table, re.DOTALL):
        name, *values = re.findall(r"<t[dh].*?>(.*?)</t[dh]>", row, re.DOTALL)
        rows[re.sub(r"<.*?>", "", name).strip()] = [value.strip() for value in values]
    assert rows["momentum"] == ["0.8", "0.8"]
    assert rows["cutout_length"][0] == ""


@pytest.mark.slow
def test_it_is_compared_by_its_name(study: OpenedStudy, tmp_path: Path) -> None:
    """Two spaces that tune the same number of hyperparameters go by what differs."""
    (space,) = compare(str(study.folder))
    assert [space.name(sample) for sample in space.samples] == [
        *(f"darts tuned in {TITLE}", "darts default")
    ]
    other = run(tmp_path / "other", SPACE.replace("lower: 1e-3", "lower: 1e-2"))
    confirm(other, seeds=3)
    (space,) = compare(str(study.folder), str(other))
    names = [space.name(sample) for sample in space.samples]
    for low in ("0.001", "0.01"):
        words = f"learning_rate tuned in [{low}, 1], log, by default 0.025"
        assert f"darts tuned in {TITLE}, {words}" in names


@pytest.mark.slow
def test_figures_tell_spaces_and_defaults_apart(study: OpenedStudy, tmp_path: Path) -> None:
    """Studies of one label are groups of their own; a default that differs is another method."""
    narrow = SPACE.replace("upper: 1, log", "upper: 0.5, log")
    started = SPACE.replace("log: true}, batch", "log: true, default: 0.1}, batch")
    folders = [study.folder, run(tmp_path / "narrow", narrow), run(tmp_path / "started", started)]
    sources = read_figure_sources([str(folder) for folder in folders])
    one, two, three = group_studies(sources, 1)
    assert one.detail == (
        f"in {TITLE}, learning_rate 0.025, learning_rate in [0.001, 1], log, by default 0.025"
    )
    assert two.detail.endswith("learning_rate in [0.001, 0.5], log, by default 0.025")
    assert three.detail == f"in {TITLE}, learning_rate 0.1"
    assert (one.fixed, two.fixed, three.fixed) == (
        *("learning_rate 0.025", "learning_rate 0.025", "learning_rate 0.1"),
    )
