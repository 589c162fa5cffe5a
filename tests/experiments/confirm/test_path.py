"""The path from default to incumbent: which settings it has, what it measures, and its resuming."""

from __future__ import annotations

import itertools
import json
import math
import random
import re
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ConfigSpace import (
    Categorical,
    ConfigurationSpace,
    EqualsCondition,
    Float,
    ForbiddenAndConjunction,
    ForbiddenEqualsClause,
)
from rich.console import Console
from support.page_study import DIGITS, make_study
from support.scripted_study import work
from support.study_commands import run, started
from support.waiting import wait_until

from oneshot_hpo.experiments.confirm.confirming import confirm_study
from oneshot_hpo.experiments.confirm.path import _Forest, _next, differing, planned_path
from oneshot_hpo.experiments.errors import NotEnoughData, UserError
from oneshot_hpo.experiments.figures.path import draw_path
from oneshot_hpo.experiments.numbers.path import (
    ORDER,
    PATH,
    ablation_path,
    has_path,
    order_words,
    path_name,
    path_settings,
)
from oneshot_hpo.experiments.report.charts import path as chart
from oneshot_hpo.experiments.report.reporting import write_report
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.hpo import Confirmation, Trial, TrialResult, read_confirmation
from oneshot_hpo.hpo.bohb.encoding import Encoding
from oneshot_hpo.hpo.confirmation_view import EVENTS
from oneshot_hpo.hpo.journal.file import read_journal

SEEDS = 7


def loss(trial: Trial) -> float:
    """The learning rate decides; the others hardly matter."""
    far = abs(math.log10(trial.config["learning_rate"]) + 1)
    return 0.05 + 0.1 * far + 0.001 * trial.config["cutout_prob"]


@pytest.fixture
def folder(tmp_path: Path, tiny_study: Path) -> Path:
    """A finished study of 40 evaluations whose losses are `loss`."""
    with make_study(tmp_path / "study", tiny_study, *DIGITS) as study:
        work(study, loss, study.total_evaluations)
    return tmp_path / "study"


def ends_of(folder: Path) -> tuple[OpenedStudy, dict[str, Any], dict[str, Any], str]:
    """A study, its default, its incumbent and the incumbent's name."""
    study = OpenedStudy(folder)
    assert study.view.incumbent is not None
    trial = study.view.incumbent[0]
    default = dict(study.view.space.get_default_configuration())
    return study, default, dict(trial.config), trial.key.split("/")[0]


@pytest.mark.slow
def test_each_step_changes_one_hyperparameter_the_best_first(folder: Path) -> None:
    study, default, incumbent, name = ends_of(folder)
    path = planned_path(study, default, incumbent, name)
    assert path.changes[0] == ["learning_rate"]
    configs = [default, *path.settings.values(), incumbent]
    assert [differing(a, b) for a, b in itertools.pairwise(configs)] == path.changes
    assert sorted(one for [one] in path.changes) == sorted(differing(default, incumbent))
    assert list(path.settings) == [path_name(name, k) for k in range(1, len(path.changes))]
    order = path.order[ORDER]
    at_largest = [trial for trial, _ in study.view.evaluations if trial.budget == order["budget"]]
    assert order["trials"] == len(at_largest) >= 12
    assert order["explained"] > 0.5
    assert f"{order['trials']} trials at {order['budget']:g} epochs" in order_words(order)


def test_too_few_trials_give_the_order_of_the_space(tmp_path: Path, tiny_study: Path) -> None:
    with make_study(tmp_path / "study", tiny_study) as study:
        work(study, loss)
    opened, default, incumbent, name = ends_of(tmp_path / "study")
    path = planned_path(opened, default, incumbent, name)
    assert [one for [one] in path.changes] == differing(default, incumbent)
    assert "too few trials" in order_words(path.order[ORDER])


def conditional_space() -> ConfigurationSpace:
    space = ConfigurationSpace()
    kind = Categorical("kind", ["a", "b"], default="a")
    rate, decay = Float("rate", (0, 1), default=0.5), Float("decay", (0, 1), default=0.5)
    mode = Categorical("mode", ["x", "y"], default="x")
    space.add(kind, rate, decay, mode)
    space.add(EqualsCondition(decay, kind, "b"))
    return space


def walked(space: ConfigurationSpace, start: dict[str, Any], end: dict[str, Any]) -> list[dict]:
    forest, configs = _Forest(Encoding(space), None, {}), [start]
    while configs[-1] != end:
        configs.append(_next(space, forest, configs[-1], end))
        assert len(configs) < 9
    return configs


def test_what_becomes_active_comes_with_its_parent() -> None:
    space = conditional_space()
    start = {"kind": "a", "rate": 0.5, "mode": "x"}
    end = {"kind": "b", "rate": 0.1, "decay": 0.9, "mode": "y"}
    configs = walked(space, start, end)
    assert configs[1] == start | {"kind": "b", "decay": 0.9}
    assert len(configs) == 4
    back = walked(space, end, start)
    assert back[1] == {"kind": "a", "rate": 0.1, "mode": "y"}
    for config in configs + back:
        Encoding(space).encode(config)  # raises for one outside the space


def test_forbidden_settings_are_walked_around() -> None:
    space = conditional_space()
    space.add(
        ForbiddenAndConjunction(
            ForbiddenEqualsClause(space["kind"], "b"), ForbiddenEqualsClause(space["mode"], "x")
        )
    )
    start = {"kind": "a", "rate": 0.5, "mode": "x"}
    end = {"kind": "b", "rate": 0.5, "decay": 0.5, "mode": "y"}
    configs = walked(space, start, end)
    assert [differing(a, b) for a, b in itertools.pairwise(configs)] == [
        ["mode"],
        ["kind", "decay"],
    ]


@pytest.fixture
def measured(folder: Path) -> tuple[Path, dict[str, np.ndarray]]:
    """The study with its path confirmed, and the regrets of each setting: the first step helps."""
    study, default, incumbent, name = ends_of(folder)
    path = planned_path(study, default, incumbent, name)
    names = ["default", *path.settings, name]
    noise = np.random.default_rng(0).uniform(0, 0.002, (len(names), SEEDS))
    regrets = {one: noise[k] + (0.05 if k == 0 else 0.01) for k, one in enumerate(names)}
    with Confirmation.create(
        folder / "confirm", header=study.view.header, seed=0, budget=study.view.settings.max_budget
    ) as own:
        own.plan("default", default, SEEDS)
        own.plan(name, incumbent, SEEDS, tuned=True)
        own.note("path", path.order)
        for one, config in path.settings.items():
            own.plan(one, config, SEEDS)
        while (rerun := own.ask()) is not None:
            regret = float(regrets[rerun.setting][rerun.number])
            own.tell(rerun, TrialResult(regret, {"test_regret": regret}))
    return folder, regrets


def test_gains_are_those_of_the_pairs(measured: tuple[Path, dict[str, np.ndarray]]) -> None:
    folder, regrets = measured
    found = ablation_path(OpenedStudy(folder))
    names = ["default", *(step.setting for step in found.steps)]
    _, default, incumbent, name = ends_of(folder)
    assert names[-1] == name
    for before, step in zip(names, found.steps, strict=False):
        gains = regrets[before] - regrets[step.setting]
        assert step.gain == pytest.approx(float(np.median(gains)))
        assert step.gain_interval is not None
        assert step.gain_interval.low <= step.gain <= step.gain_interval.high
        assert step.comparison.tests == len(found.steps)
        assert step.comparison.pairs == SEEDS
    assert [step.comparison.verdict for step in found.steps[:1]] == ["better"]
    for step in found.steps[1:]:
        assert step.comparison.verdict == "not shown"
    changed = {key: ends for step in found.steps for key, ends in step.changed.items()}
    assert changed == {key: (default[key], incumbent[key]) for key in differing(default, incumbent)}


@pytest.mark.slow
def test_chart_and_figure_say_each_step(measured: tuple[Path, dict[str, np.ndarray]]) -> None:
    folder, regrets = measured
    study = OpenedStudy(folder)
    assert has_path(study)
    drawn = chart.chart(study)
    trace = json.loads(drawn.figure.to_json())["data"][0]
    names = ["default", *(step.setting for step in ablation_path(study).steps)]
    medians = [100 * float(np.median(regrets[name])) for name in names]
    assert trace["y"] == pytest.approx(medians)
    assert "learning_rate 0.025 → " in drawn.caption
    assert re.search(r": better, median gain [34]\.", drawn.caption)
    assert "no difference shown" in drawn.caption
    figure = draw_path(ablation_path(study))
    labels = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    assert labels[0] == "default"
    assert labels[1].startswith("learning_rate 0.025 → ")


@pytest.mark.slow
def test_the_report_has_the_path(measured: tuple[Path, dict[str, np.ndarray]]) -> None:
    page = write_report(measured[0], []).read_text()
    assert "Which hyperparameter earned it" in page
    assert 'id="path"' in page
    assert "The order was chosen by a random forest" in page


def test_a_path_without_results_says_so(folder: Path) -> None:
    assert not has_path(OpenedStudy(folder))
    with pytest.raises(NotEnoughData, match="no path was confirmed"):
        ablation_path(OpenedStudy(folder))


def test_a_default_that_stayed_the_best_has_no_path(tmp_path: Path, tiny_study: Path) -> None:
    with make_study(tmp_path / "study", tiny_study) as study:
        work(study, lambda trial: 0.01 if trial.id[0] < 0 else 0.1)
    with pytest.raises(UserError, match="the default stayed the best, so there is no path"):
        confirm_study(Console(), tmp_path / "study", None, path=True)
    assert not (tmp_path / "study" / "confirm").exists()


def test_a_setting_cannot_have_the_name_of_a_step(folder: Path) -> None:
    with pytest.raises(UserError, match="that of a step of a path"):
        confirm_study(
            Console(),
            folder,
            None,
            setting="path.0-0-0.1",
            overrides=["search.momentum=0.5"],
        )


def decisions(folder: Path) -> list[dict[str, Any]]:
    """A confirmation's journal without its times; none if it has not begun."""
    path = folder / "confirm" / "confirmation.jsonl"
    if not path.exists():
        return []
    kept, _ = read_journal(path, EVENTS)
    return [{k: v for k, v in e.items() if k not in ("time", "timestamps")} for e in kept]


@pytest.mark.slow
def test_killed_and_resumed_a_path_is_the_same(finished_study: Path, tmp_path: Path) -> None:
    whole, killed = (Path(shutil.copytree(finished_study, tmp_path / name)) for name in "ab")
    ended = run("confirm", whole, "--path", "--seeds", 2)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.count("path: ") == 1
    view = read_confirmation(whole / "confirm")
    assert view.tuned is not None
    settings = path_settings(view, view.tuned)
    default, tuned = view.settings["default"].config, view.settings[view.tuned].config
    assert len(settings) == len(differing(default, tuned)) - 1 > 0
    assert len(view.evaluations) == 2 * (2 + len(settings))

    moments = random.Random(1)
    arguments: list[object] = ["confirm", killed, "--path", "--seeds", 2]
    for lines in (5, 8):
        reached: Callable[[], bool] = lambda lines=lines: len(decisions(killed)) >= lines  # type: ignore[misc] # noqa: E731
        with started(*arguments) as master:
            wait_until(reached, master)
            time.sleep(moments.uniform(0, 0.3))
            master.kill()
    ended = run("confirm", killed)  # what was planned needs no option again
    assert ended.returncode == 0, ended.stderr
    assert decisions(killed) == decisions(whole)
    assert any(note.get(PATH) == view.tuned for note in view.notes)
    results = [study / "confirm" / "results.csv" for study in (whole, killed)]
    assert results[0].read_bytes() == results[1].read_bytes()
