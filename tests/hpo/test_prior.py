"""Studies whose model starts with the observations of an earlier study."""

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hpbandster.core.base_iteration import Datum, WarmStartIteration
from hpbandster.core.result import Result
from support.toy_study import decisions, drive, mixed_space, toy_settings

from oneshot_hpo import hpo
from oneshot_hpo.hpo.bohb.generator import VectorisedKDEGenerator
from oneshot_hpo.hpo.study import Study

DEFAULT = dict(mixed_space().get_default_configuration())


def earlier(number: int = 40) -> list[hpo.Observation]:
    """Configurations at budget 4; the first, with the highest rates, are the best."""
    space = mixed_space()
    space.seed(0)
    configs = [dict(config) for config in space.sample_configuration(number)]
    configs.sort(key=lambda config: -config["rate"])
    losses = [None if i == number - 1 else 0.01 * i for i in range(number)]
    return [hpo.Observation(config, 4, loss) for config, loss in zip(configs, losses, strict=True)]


def create(folder: Path, prior: list[hpo.Observation], **changes: Any) -> Study:
    return Study.create(
        folder, header={}, space=mixed_space(), settings=toy_settings(**changes), prior=prior
    )


def observed(study: Study) -> dict[float, tuple[Any, ...]]:
    """Configurations and losses by budget that are not in a model yet."""
    generator = study._master.config_generator
    assert isinstance(generator, VectorisedKDEGenerator)
    return {b: tuple(zip(*o.new, strict=True)) for b, o in generator._observations.items()}


def test_prior_observations_enter_the_model_alone(tmp_path: Path) -> None:
    prior = earlier()
    with create(tmp_path, prior) as study:
        assert study.prior == prior
        assert (study.evaluations, study.pending, study.incumbent) == ([], [], None)
        assert [rung.started for bracket in study.brackets for rung in bracket.rungs] == [0] * 17
        losses = [np.inf if o.loss is None else o.loss for o in prior]
        assert observed(study) == {4: (tuple(o.config for o in prior), tuple(losses))}
        first, second = study.ask(), study.ask()
        assert first is not None and second is not None
        assert first.id == hpo.BASELINE_ID
        assert study.record(second).info == {"model_based_pick": True}
    view = hpo.read_study(tmp_path)
    assert view.prior == prior
    assert view.total_evaluations == study.total_evaluations


@pytest.mark.slow
@pytest.mark.parametrize("generator", ["vectorised", "hpbandster"])
def test_the_model_prefers_what_was_good_before(tmp_path: Path, generator: str) -> None:
    """Half of the trials start at once, so that the study's own results cannot matter."""
    space = hpo.configuration_space("cs2")
    space.seed(0)
    configs = sorted(
        (dict(c) for c in space.sample_configuration(60)), key=lambda c: c["cutout_prob"]
    )
    prior = [hpo.Observation(config, 4, 0.01 * i) for i, config in enumerate(configs)]
    means = []
    for name, known in (("with", prior), ("without", [])):
        with hpo.Study.create(
            tmp_path / name,
            header={},
            space=space,
            settings=toy_settings(generator=generator),
            prior=known,
        ) as study:
            trials = [study.ask() for _ in range(12)][1:]
            means.append(np.mean([trial.config["cutout_prob"] for trial in trials if trial]))
    assert means[0] < 0.2 < 0.35 < means[1]


def test_the_generator_gets_the_observations_of_hpbandsters_warm_start(tmp_path: Path) -> None:
    """HpBandSter's previous_result, without crashes, on which it fails."""
    prior = [o for o in earlier() if o.loss is not None]
    data = {}
    for number, observation in enumerate(prior):
        data[0, 0, number] = datum = Datum(observation.config, {})
        datum.results[4] = {"loss": observation.loss, "info": {}}
        datum.exceptions[4] = None
        datum.time_stamps[4] = {"submitted": 0.0, "started": 0.0, "finished": 1.0}
    stock = VectorisedKDEGenerator(mixed_space(), toy_settings())
    WarmStartIteration(Result([copy.deepcopy(data)], {"time_ref": 0.0}), stock)
    ours = create(tmp_path, prior)
    with ours:
        theirs = stock._observations[4].new
        assert observed(ours) == {4: tuple(zip(*theirs, strict=True))}


@pytest.mark.slow
def test_a_warm_started_study_resumes_to_the_same_decisions(tmp_path: Path) -> None:
    prior = earlier()
    with create(tmp_path / "whole", prior) as study:
        drive(study)
    expected = decisions(tmp_path / "whole")
    with create(tmp_path / "cold", []) as study:
        drive(study)
    assert decisions(tmp_path / "cold")[4:] != expected[4:]

    lines = (tmp_path / "whole" / "journal.jsonl").read_bytes().splitlines(keepends=True)
    for kept in range(1, len(lines) + 1, 7):
        folder = tmp_path / f"cut{kept}"
        folder.mkdir()
        (folder / "journal.jsonl").write_bytes(b"".join(lines[:kept]) + b'{"event": "as')
        with hpo.Study.open(folder) as study:
            drive(study)
        assert decisions(folder) == expected, f"cut after line {kept}"


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        (DEFAULT | {"rate": 2.0}, "rate cannot be 2.0"),
        (DEFAULT | {"rate": [1]}, "rate cannot be"),
        (DEFAULT | {"rate": 10**400}, "rate cannot be 1000"),
        (DEFAULT | {"depth": 3}, "unknown hyperparameter depth"),
        ({k: v for k, v in DEFAULT.items() if k != "width"}, "width is missing"),
        (DEFAULT | {"optimizer": "adam"}, "momentum"),
    ],
)
def test_a_configuration_of_another_space_is_named_and_leaves_nothing(
    tmp_path: Path, config: dict[str, Any], reason: str
) -> None:
    prior = [hpo.Observation(DEFAULT, 1, 0.5), hpo.Observation(config, 1, 0.5)]
    with pytest.raises(hpo.StudyError, match=f"observation 2 of prior: .*{reason}"):
        create(tmp_path / "study", prior)
    assert not (tmp_path / "study").exists()
