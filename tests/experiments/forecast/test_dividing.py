"""GPU hours divided between tuning and confirming, and the noise that seeds are planned from."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.confirmed_study import confirm_scripted, regret_result, scripted
from support.study_commands import called, refused

from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.experiments.forecast.conditions import Pace
from oneshot_hpo.experiments.forecast.dividing import Hours, divide
from oneshot_hpo.experiments.forecast.seed_noise import PairNoise, seed_noise_of
from oneshot_hpo.experiments.grids.costs import cost
from oneshot_hpo.experiments.sequential.planning import stops
from oneshot_hpo.experiments.sequential.rule import make_rule
from oneshot_hpo.experiments.study.completion import complete, freeze
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.experiments.study.specification import StudySpec
from oneshot_hpo.experiments.study.validation import load_study

NOISE = PairNoise(0.5, "as the test says")
PACE = Pace(epoch_seconds=360, trial_seconds=36)


@pytest.fixture(scope="module")
def spec(tiny_study: Path) -> StudySpec:
    return freeze(complete(load_study(str(tiny_study)), "tiny"))


@pytest.mark.slow
def test_the_hours_are_those_of_the_searches(spec: StudySpec) -> None:
    plan = divide(spec, PACE, Hours(gpu_hours=60, detect=0.35), NOISE)
    one = plan.chosen
    search = (spec.max_budget * 360 + 36) / 3600
    assert one.confirming_hours == pytest.approx(2 * one.seeds * search)
    assert one.likely_confirming_hours == pytest.approx(2 * one.mean_seeds * search)
    total = cost(spec.model_copy(update={"iterations": one.iterations}))
    assert one.tuning_hours == pytest.approx((360 * total.epochs + 36 * total.evaluations) / 3600)
    assert one.tuning_hours + one.confirming_hours <= 60
    more = cost(spec.model_copy(update={"iterations": one.iterations + 1}))
    assert (360 * more.epochs + 36 * more.evaluations) / 3600 > 60 - one.confirming_hours
    assert one.looks == make_rule(one.seeds).looks


@pytest.mark.slow
def test_the_planned_difference_is_shown_as_planned(spec: StudySpec) -> None:
    one = divide(spec, PACE, Hours(gpu_hours=100, detect=0.3, power=0.8), NOISE).chosen
    gains = np.random.default_rng(9).normal(0.3, NOISE.deviation, (2000, one.seeds))
    seeds, verdicts = stops(make_rule(one.seeds), gains)
    assert (verdicts == 1).mean() >= 0.8
    assert seeds.mean() == pytest.approx(one.mean_seeds, rel=0.05)


def test_without_a_difference_the_study_stays_and_the_rest_confirms(spec: StudySpec) -> None:
    plan = divide(spec, PACE, Hours(gpu_hours=20), NOISE)
    assert plan.chosen.iterations == spec.iterations
    assert plan.chosen.tuning_hours + plan.chosen.confirming_hours <= 20
    detected = [one.detect for one in plan.alternatives]
    assert detected == sorted(detected, reverse=True)  # more hours of confirming show less
    assert all(one.tuning_hours + one.confirming_hours <= 20 for one in plan.alternatives)


@pytest.mark.parametrize(
    ("hours", "message"),
    [
        (Hours(gpu_hours=1, detect=0.3), "1 GPU hours do not suffice: the study takes"),
        (Hours(gpu_hours=1), "do not suffice"),
        (Hours(gpu_hours=100, detect=0.001), "takes more than 1,000 seeds"),
    ],
)
def test_hours_that_do_not_suffice_are_refused(spec: StudySpec, hours: Hours, message: str) -> None:
    with pytest.raises(UserError, match=message):
        divide(spec, PACE, hours, NOISE)


def test_noise_comes_from_pairs_of_a_pilot(
    tiny_study: Path, tmp_path: Path, spec: StudySpec
) -> None:
    rng = np.random.default_rng(3)
    common, own = rng.normal(0, 0.01, 12), rng.normal(0, 0.002, 12)
    confirm_scripted(
        tiny_study, tmp_path / "a", list(0.1 + common), [*(0.11 + common + own), float("inf")]
    )
    found = seed_noise_of([OpenedStudy(tmp_path / "a")], spec)
    assert found.basis == "from 12 confirmed seeds"
    assert found.deviation == pytest.approx(100 * own.std(ddof=1))


def test_noise_comes_from_defaults_of_earlier_studies_or_the_table(
    tiny_study: Path, tmp_path: Path, spec: StudySpec
) -> None:
    for seed, regret in ((1, 0.01), (2, 0.03)):
        with scripted(tiny_study, tmp_path / str(seed), f"seed={seed}", evaluations=0) as study:
            trial = study.ask()
            assert trial is not None
            study.tell(trial, regret_result(regret))
    studies = [OpenedStudy(tmp_path / str(seed)) for seed in (1, 2)]
    found = seed_noise_of(studies, spec)
    assert found.basis == "from the default configuration in 2 studies"
    assert found.deviation == pytest.approx(100 * np.sqrt(2) * np.std([0.01, 0.03], ddof=1))
    alone = seed_noise_of(studies[:1], spec)
    assert "from trainings of one good cell in synthetic alone: a lower bound" in alone.basis


@pytest.mark.slow
def test_the_command_prints_the_plan_and_its_json(tiny_study: Path) -> None:
    words = ("forecast", tiny_study, "--epoch-seconds", 360, "--workers", 1, "--simulations", 20)
    ended = called(*words, "--gpu-hours", 300, "--json")
    assert ended.returncode == 0, ended.stderr
    plan: dict[str, Any] = json.loads(ended.stdout)["plan"]
    assert plan["gpu_hours"] == 300
    assert plan["chosen"]["seeds"] >= plan["chosen"]["looks"][0]
    assert plan["noise"]["deviation"] > 0
    shown = called(*words, "--gpu-hours", 300)
    text = " ".join(shown.stdout.split())
    assert "300 GPU hours between tuning and confirming" in text
    assert f"--until-decided --max-seeds {plan['chosen']['seeds']}" in text
    assert "a lower bound" in text


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("quickstart", "--epoch-seconds", 1, "--detect", 0.3), "are for --gpu-hours"),
        (("quickstart", "--epoch-seconds", 1, "--gpu-hours", 0), "more than 0"),
        (("quickstart", "--epoch-seconds", 1, "--gpu-hours", 1, "--power", 1), "to below 1"),
        (("quickstart", "--epoch-seconds", 1, "--gpu-hours", 1, "--detect", 0), "above 0"),
        (("paper", "--epoch-seconds", 1, "--gpu-hours", 1), "for a single study"),
    ],
)
def test_bad_input_is_refused(arguments: tuple[object, ...], words: str) -> None:
    assert words in refused("forecast", *arguments)
