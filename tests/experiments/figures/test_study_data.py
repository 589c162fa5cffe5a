"""The numbers of a study's own figures, each found by another way."""

import itertools
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats
from support.made_study import SECONDS, new_study, result_of, run_study, write_search

from oneshot_hpo.experiments.errors import NotEnoughData
from oneshot_hpo.experiments.numbers.budgets import budget_ranks, promotion_cost
from oneshot_hpo.experiments.numbers.cells import BOX, found_cells, layered
from oneshot_hpo.experiments.numbers.configurations import configurations
from oneshot_hpo.experiments.numbers.importance import importance
from oneshot_hpo.experiments.numbers.one_shot import one_shot_correlation
from oneshot_hpo.experiments.numbers.rank_correlation import LEAST
from oneshot_hpo.experiments.numbers.sources import Sources
from oneshot_hpo.experiments.numbers.timeline import timeline
from oneshot_hpo.experiments.numbers.trajectories import trajectories
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.hpo import TrialResult
from oneshot_hpo.search_spaces import get_space, load_table


def tells(study: OpenedStudy) -> list[dict[str, Any]]:
    lines = (study.folder / "journal.jsonl").read_text().splitlines()
    return [event for line in lines if (event := json.loads(line))["event"] == "tell"]


def epochs_of(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def table_test_error(architecture: dict[str, Any]) -> float:
    cell = get_space(1).cell(get_space(1).from_document(architecture))
    return load_table("digits").query(cell).test_error


def sources(*studies: OpenedStudy) -> Sources:
    return Sources(list(studies), [None] * len(studies), [], "digits")


def test_trajectories_are_medians_over_the_seeds_that_did_not_crash(study: OpenedStudy) -> None:
    tuned, default = trajectories(sources(study), 1).found
    assert default.label == "darts default (n = 6, 1 crashed)"
    folder = study.folder / "confirm" / "trials" / "default"
    runs = [epochs_of(folder / str(number)) for number in range(6) if number != 2]
    crashed = epochs_of(folder / "2")
    one_shot = sorted([*(run[0]["valid_error"] for run in runs), crashed[0]["valid_error"]])
    assert default.one_shot.median[0] == pytest.approx(np.mean(one_shot[2:4]))
    last = sorted(run[11]["valid_error"] for run in runs)
    # The crashed one has not got this far: it is above all others.
    assert default.one_shot.median[11] == pytest.approx((last[2] + last[3]) / 2)
    test = sorted(table_test_error(run[5]["architecture"]) for run in runs)
    assert default.test.median[5] == pytest.approx((test[2] + test[3]) / 2)
    assert default.test.x.tolist() == list(range(1, 13))
    assert tuned.confirmed


def test_without_a_confirmation_they_are_single_searches(tmp_path: Path) -> None:
    folder = run_study(tmp_path / "study", "seed=2", workers=2, evaluations=12)
    found = trajectories(sources(OpenedStudy(folder)), 1).found
    assert [(one.method.role, one.one_shot.count, one.confirmed) for one in found] == [
        ("default", 1, False),
        ("tuned", 1, False),
    ]


def test_one_shot_errors_and_those_of_the_table(study: OpenedStudy) -> None:
    found = one_shot_correlation(study)
    assert [budget.budget for budget in found.budgets] == [3, 6, 12]
    for budget in found.budgets:
        here = [event for event in tells(study) if event["budget"] == budget.budget]
        good = [event for event in here if event["loss"] is not None]
        one_shot = [event["info"]["one_shot_error"] for event in good]
        test = [event["info"]["test_error"] for event in good]
        assert budget.at_end.rho == pytest.approx(stats.spearmanr(one_shot, test).statistic)
        assert (budget.at_end.n, budget.crashed) == (len(good), len(here) - len(good))
        second = [
            epochs_of(study.folder / "trials" / "-".join(map(str, e["id"])) / str(e["budget"]))[1]
            for e in good
            if e["id"][0] >= 0
        ]
        if len(second) < len(good):  # the default is among these
            second.append(epochs_of(study.folder / "trials" / "baseline" / "12")[1])
        expected = stats.spearmanr(
            [record["valid_error"] for record in second],
            [table_test_error(record["architecture"]) for record in second],
        )
        assert budget.by_epoch[1].rho == pytest.approx(expected.statistic)
    assert sum(budget.crashed for budget in found.budgets) > 0


def test_budgets_are_compared_over_what_both_evaluated(study: OpenedStudy) -> None:
    found = budget_ranks(study)
    losses: dict[float, dict[str, float]] = {3: {}, 6: {}, 12: {}}
    for event in tells(study):
        loss = np.inf if event["loss"] is None else event["loss"]
        losses[event["budget"]][str(event["id"])] = loss
    for (i, one), (j, two) in itertools.product(enumerate(found.budgets), repeat=2):
        common = sorted(losses[one].keys() & losses[two].keys())
        cell = found.correlations[i][j]
        assert cell.n == len(common)
        if len(common) >= LEAST and one != two:
            ranks = [stats.rankdata([losses[b][key] for key in common]) for b in (one, two)]
            assert cell.rho == pytest.approx(np.corrcoef(*ranks)[0, 1])


@pytest.mark.slow
def test_what_promoted_trials_repeat_or_save(study: OpenedStudy, tmp_path: Path) -> None:
    cost = promotion_cost(study)
    asked = {(str(event["id"]), event["budget"]) for event in tells(study)}
    again = sum(budget / 2 for key, budget in asked if (key, budget / 2) in asked)
    default = sum(key == "[-1, 0, 0]" for key, _ in asked)
    assert default == 1
    assert (cost.repeated, cost.saved) == (again, 0)
    assert cost.spent == sum(budget for _, budget in asked)

    went_on = OpenedStudy(run_study(tmp_path / "on", "promotion=continue", crashing=False))
    saved = promotion_cost(went_on)
    assert saved.repeated == 0
    budgets = [trial.budget for trial, _ in went_on.view.evaluations]
    assert saved.saved == sum(budgets) - saved.spent > 0


def test_budgets_are_compared_with_the_largest(study: OpenedStudy) -> None:
    found = budget_ranks(study)
    [one] = found.with_largest  # after 3 epochs and after 12, too few
    assert found.correlations[0][2].n < LEAST
    assert (one.budget, one.correlation) == (6, found.correlations[1][2])


def test_configurations_have_their_result_at_the_largest_budget(study: OpenedStudy) -> None:
    found = configurations(study)
    assert [axis.name for axis in found.axes] == ["cutout_prob", "learning_rate", "weight_decay"]
    by_id: dict[str, dict[str, Any]] = {}
    for event in sorted(tells(study), key=lambda event: event["budget"]):
        key = "-".join(map(str, event["id"]))
        by_id["baseline" if event["id"][0] < 0 else key] = event
    assert set(found.keys) == set(by_id)
    for key, budget, loss in zip(found.keys, found.budgets, found.losses, strict=True):
        expected = by_id[key]
        assert budget == expected["budget"]
        assert loss == (np.inf if expected["loss"] is None else expected["loss"])
    assert found.crashed.any()
    assert found.default is not None
    rate = found.values[found.default]["learning_rate"]
    assert rate == 0.025
    assert found.places[found.default, 1] == pytest.approx((np.log10(rate) + 3) / 3)
    labels = dict(map(reversed, found.axes[1].ticks))  # type: ignore[arg-type]
    assert labels == {
        "0.001": pytest.approx(0),
        "0.01": pytest.approx(1 / 3),
        "0.1": pytest.approx(2 / 3),
        "1": pytest.approx(1),
    }
    assert found.incumbent is not None
    assert found.losses[found.incumbent] == found.losses[found.budgets == 12].min()


def told_by(folder: Path, evaluations: int, loss: Any) -> OpenedStudy:
    """A study of one budget whose losses are a function of the configuration."""
    settings = ("config_space=cs1", "min_budget=2", "max_budget=2", f"iterations={evaluations}")
    with new_study(folder, *settings) as study:
        for _ in range(evaluations):
            trial = study.ask()
            assert trial is not None
            study.tell(trial, TrialResult(loss(trial)))
    return OpenedStudy(folder)


@pytest.mark.slow
def test_what_decides_the_error_is_important(tmp_path: Path) -> None:
    study = told_by(
        tmp_path / "study", 25, lambda t: 0.3 + 0.05 * np.log10(t.config["weight_decay"])
    )
    found = importance(study)
    names = [axis.name for axis in found.axes]
    (budget,) = found.budgets
    shares = dict(zip(names, budget.importance.median, strict=True))
    assert shares["weight_decay"] > 0.9
    assert shares["cutout_prob"] < 0.1
    assert budget.explained > 0.8
    curve = budget.dependence[names.index("weight_decay")]
    middle = np.interp(0.5, curve.x, curve.median)  # 1e-4
    assert middle == pytest.approx(0.1, abs=0.02)
    assert curve.median[-1] - curve.median[0] > 0.06


@pytest.mark.slow
def test_noise_is_not_explained(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    study = told_by(tmp_path / "study", 16, lambda trial: rng.uniform())
    assert importance(study).budgets[0].explained < 0.1


@pytest.mark.slow
def test_only_a_budget_with_another_result_is_explained_again(tmp_path: Path) -> None:
    earlier = importance(OpenedStudy(run_study(tmp_path / "earlier", evaluations=42, workers=1)))
    later = importance(OpenedStudy(run_study(tmp_path / "later", workers=1)))
    pairs = list(zip(earlier.budgets, later.budgets, strict=True))
    assert [new is old for old, new in pairs] == [True] * (len(pairs) - 1) + [False]
    assert len(pairs) > 1
    old, new = pairs[-1]
    assert new.trials + new.crashed == old.trials + old.crashed + 1


def test_cells_are_those_of_default_and_incumbent(study: OpenedStudy) -> None:
    default, tuned = found_cells(study)
    assert (default.title, default.key, tuned.title) == ("default", "baseline/12", "tuned")
    assert study.view.incumbent is not None
    assert tuned.cell_key == study.view.incumbent[1].info["module_hash"]
    assert default.test_error == study.view.baseline[1].info["test_error"]  # type: ignore[index]
    assert default.operations[0] == "input"
    assert default.operations[-1] == "output"


@pytest.mark.parametrize("number", [1, 2, 3])
def test_no_edge_of_a_drawn_cell_passes_over_a_vertex(number: int) -> None:
    space, rng = get_space(number), np.random.default_rng(number)
    for _ in range(4):
        cell = space.cell(space.sample(rng))
        edges = [(x, y) for x, row in enumerate(cell.matrix) for y, e in enumerate(row) if e]
        places = np.array(layered(len(cell.operations), edges))
        assert len({tuple(place) for place in places}) == len(places)
        for start, end in edges:
            first, last = places[start] + [BOX[0] / 2, 0], places[end] - [BOX[0] / 2, 0]
            assert first[0] < last[0]
            line = first + np.linspace(0, 1, 200)[:, None] * (last - first)
            for vertex in set(range(len(places))) - {start, end}:
                distance = np.abs(line - places[vertex])
                inside = (distance[:, 0] < BOX[0] / 2) & (distance[:, 1] < BOX[1] / 2)
                assert not inside.any()


def test_the_timeline_of_two_workers_by_hand(tmp_path: Path) -> None:
    folder = run_study(
        tmp_path / "study", "seed=3", workers=2, evaluations=5, crashing=False, begins=1e9
    )
    found = timeline(OpenedStudy(folder))
    bars = [(bar.key, bar.lane, bar.start, bar.end, bar.state) for bar in found.bars]
    # The default takes 12 epochs, bracket 0 starts with four of 3 and continues with two of 6.
    assert [(key.split("/")[1], *rest) for key, *rest in bars] == [
        ("12", 0, 0, 120, "finished"),
        ("3", 1, 0, 30, "finished"),
        ("3", 1, 30, 60, "finished"),
        ("3", 1, 60, 90, "finished"),
        ("3", 1, 90, 120, "finished"),
        ("6", 0, 120, 120, "unfinished"),
    ][: len(bars)]
    assert bars[0][0] == "baseline/12"
    assert (found.lanes, found.end, found.finished) == (2, 120, False)
    assert found.busy == pytest.approx(1)
    assert [(r.bracket, r.budget, r.start, r.end) for r in found.rungs][:2] == [
        (-1, 12, 0, 120),
        (0, 3, 0, 120),
    ]


def test_trials_of_a_lane_never_overlap(study: OpenedStudy) -> None:
    found = timeline(study)
    assert found.lanes == 3
    for lane in range(3):
        own = [bar for bar in found.bars if bar.lane == lane]
        assert all(one.end <= two.start + 1e-3 for one, two in itertools.pairwise(own))
    states = [bar.state for bar in found.bars]
    assert states.count("crashed") == sum(event["loss"] is None for event in tells(study))


def test_a_lost_worker_is_shown(tmp_path: Path) -> None:
    with new_study(tmp_path / "study") as study:
        trial = study.ask()
        assert trial is not None
        trial = study.retry(trial, "its worker w died")
        write_search(tmp_path / "study", trial, False)
        study.tell(trial, result_of(trial, time.time() - SECONDS, False))
    found = timeline(OpenedStudy(tmp_path / "study"))
    assert [(loss.key, loss.reason) for loss in found.losses] == [
        ("baseline/12", "its worker w died")
    ]
    assert found.bars[0].attempts == 2


def test_too_little_data_is_reported_and_not_drawn(tmp_path: Path) -> None:
    study = OpenedStudy(run_study(tmp_path / "study", workers=1, evaluations=1))
    for figure, words in (
        (one_shot_correlation, r"needs 5 trials of one budget .* there are 1 \(12 epochs\)"),
        (budget_ranks, "needs 5 configurations evaluated at two budgets; there are 0 at most"),
        (importance, r"needs 12 trials of one budget .* there are 1 \(12 epochs\)"),
    ):
        with pytest.raises(NotEnoughData, match=words):
            figure(study)


def test_only_crashes_are_no_results(tmp_path: Path) -> None:
    folder = run_study(tmp_path / "study", workers=2, evaluations=8, all_crash=True)
    study = OpenedStudy(folder)
    for figure in (one_shot_correlation, budget_ranks, importance, found_cells):
        with pytest.raises(NotEnoughData, match="every trial crashed, the last one: SearchDiv"):
            figure(study)
    assert configurations(study).crashed.all()
    assert {bar.state for bar in timeline(study).bars} == {"crashed", "unfinished"}
