"""`oneshot-hpo import`: HpBandSter runs read, or refused with the first line that is wrong."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ConfigSpace import ConfigurationSpace, Constant
from hpbandster.core.dispatcher import Job
from hpbandster.core.result import json_result_logger
from support.study_commands import events, run

from oneshot_hpo.experiments.cli.exports import export, import_
from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.experiments.exports.evaluations import exported_study
from oneshot_hpo.experiments.exports.hpbandster import write
from oneshot_hpo.experiments.exports.hpbandster_run import read_run
from oneshot_hpo.experiments.exports.space_file import FORMS, differences, write_space
from oneshot_hpo.experiments.report import origin
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.hpo import Observation, OptimizerSettings, Study, configuration_space, read_study
from oneshot_hpo.hpo.bohb.generator import VectorisedKDEGenerator

SPACE = configuration_space("cs2", image_size=8)
DEFAULT = dict(SPACE.get_default_configuration())
CONFIGS = [[[0, 0, 0], DEFAULT, {}], [[0, 0, 1], DEFAULT | {"cutout_prob": 0.5}]]
TIMES = {"submitted": 1.0, "started": 2.0, "finished": 3.0}
RESULTS: list[Any] = [
    [[0, 0, 1], 1.0, TIMES, {"loss": 0.5, "info": {}}, None],
    [[0, 0, 0], 1.0, TIMES, None, "Traceback"],
    [[0, 0, 1], 3.0, TIMES, {"loss": 0.25, "info": {}}, None],
]


def write_run(folder: Path, configs: list[Any] = CONFIGS, results: list[Any] = RESULTS) -> Path:
    folder.mkdir(exist_ok=True)
    for name, rows in (("configs.json", configs), ("results.json", results)):
        (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def observed(study: Study) -> dict[float, tuple[Any, ...]]:
    """The configurations and losses that the model of a study is to be made of, by budget."""
    generator = study._master.config_generator
    assert isinstance(generator, VectorisedKDEGenerator)
    return {b: tuple(zip(*o.new, strict=True)) for b, o in generator._observations.items()}


def test_what_is_exported_and_imported_is_what_the_model_had(
    told_folder: Path, tmp_path: Path
) -> None:
    """Of each budget the same configurations and losses, crashes too, in the same order."""
    write(exported_study(told_folder), tmp_path)
    prior = read_run(tmp_path, SPACE, 4)
    with Study.open(told_folder) as study:
        expected = observed(study)
        settings = study.settings
    with Study.create(
        tmp_path / "new", header={}, space=SPACE, settings=settings, prior=prior
    ) as new:
        assert observed(new) == expected
        assert any(np.inf in losses for _, losses in expected.values())
        assert new.evaluations == []
        generator = new._master.config_generator
        assert isinstance(generator, VectorisedKDEGenerator)
        assert generator.largest_budget_with_model() == 4


def test_what_hpbandsters_own_logger_wrote_is_read(tmp_path: Path) -> None:
    logger = json_result_logger(str(tmp_path))
    for number, result in enumerate(({"loss": 0.5, "info": 3}, {"loss": float("nan")}, None)):
        trial_id = (0, 0, number)
        logger.new_config(trial_id, DEFAULT, {"model_based_pick": False})
        job = Job(trial_id, config=DEFAULT, budget=2.0)
        job.result, job.exception, job.timestamps = result, None, TIMES
        logger(job)
    assert read_run(tmp_path, SPACE, 4) == [
        Observation(DEFAULT, 2, 0.5),
        Observation(DEFAULT, 2, None),
        Observation(DEFAULT, 2, None),
    ]


def test_results_come_in_their_order_and_an_exception_is_a_crash(tmp_path: Path) -> None:
    late = [[0, 0, 0], 3, TIMES, {"loss": 0.1, "info": {}}, "Traceback"]
    second = CONFIGS[1][1]
    assert read_run(write_run(tmp_path, results=[*RESULTS, late]), SPACE, 3) == [
        Observation(second, 1, 0.5),
        Observation(DEFAULT, 1, None),
        Observation(second, 3, 0.25),
        Observation(DEFAULT, 3, None),
    ]


def config(**changes: Any) -> Callable[[list[Any], list[Any]], None]:
    return lambda configs, results: configs[1].__setitem__(1, DEFAULT | changes)


def result(place: int, value: Any) -> Callable[[list[Any], list[Any]], None]:
    return lambda configs, results: results[2].__setitem__(place, value)


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (config(rate=1), "configs.json, line 2: unknown hyperparameter rate"),
        (config(cutout_prob=2), "configs.json, line 2: cutout_prob cannot be 2 "),
        (config(cutout_prob="x" * 10**6), "configs.json, line 2: cutout_prob cannot be 'xxx"),
        (config(cutout_prob=float("nan")), "configs.json, line 2: cutout_prob cannot be nan"),
        (lambda c, r: c[0][1].pop("cutout_prob"), "configs.json, line 1: cutout_prob is missing"),
        (lambda c, r: c[1].__setitem__(1, 3), "line 2: the configuration must be an object"),
        (lambda c, r: c[1].__setitem__(0, [0, 0]), "line 2: an id must be three whole numbers"),
        (lambda c, r: c[1].__setitem__(0, [0, 0, True]), "line 2: an id must be three"),
        (
            lambda c, r: c[1].__setitem__(0, [0, 0, 0]),
            "line 2: configuration [0, 0, 0] is given twice",
        ),
        (lambda c, r: c.insert(0, {}), "configs.json, line 1: a line must be [id, "),
        (result(0, [9, 0, 0]), "results.json, line 3: configuration [9, 0, 0] is not in configs"),
        (result(0, "x"), "results.json, line 3: an id must be three"),
        (
            result(1, 1),
            "line 3: configuration [0, 0, 1] has a result at budget 1 in line 1 already",
        ),
        (result(1, 9), "line 3: budget 9 is above max_budget 4"),
        (result(1, 0), "line 3: the budget must be a number above 0, not 0"),
        (result(1, "3"), "line 3: the budget must be a number above 0, not '3'"),
        (result(1, float("inf")), "line 3: the budget must be a number above 0, not inf"),
        (result(3, {"info": {}}), 'line 3: the result must be null or an object with "loss"'),
        (result(3, 0.5), "line 3: the result must be null"),
        (result(3, {"loss": "0.5"}), "line 3: the loss must be a number, not '0.5'"),
        (result(3, {"loss": True}), "line 3: the loss must be a number, not True"),
        (result(3, {"loss": 5.5}), "line 3: loss 5.5 is not in [0, 1]"),
        (lambda c, r: r.append([1]), "results.json, line 4: a line must be [id, budget,"),
        (lambda c, r: r.clear(), "no result in results.json has a loss"),
        (lambda c, r: r.__delitem__(slice(0, 3, 2)), "no result in results.json has a loss"),
    ],
)
def test_a_run_that_cannot_be_used_names_the_line(
    tmp_path: Path, edit: Callable[[list[Any], list[Any]], Any], words: str
) -> None:
    configs, results = json.loads(json.dumps([CONFIGS, RESULTS]))
    edit(configs, results)
    with pytest.raises(UserError) as error:
        read_run(write_run(tmp_path, configs, results), SPACE, 4)
    message = str(error.value)
    assert words in message
    assert str(tmp_path) in message
    assert "\n" not in message
    assert len(message) < 1200


@pytest.mark.parametrize(
    "damage", [b"{", b"", b"\x00\xff", b"[" * 100_000, b"1" * 5_000, b"[[0,0,0],1,{},null,nul"]
)
def test_a_damaged_file_names_the_line(tmp_path: Path, damage: bytes) -> None:
    for name in ("configs.json", "results.json"):
        path = write_run(tmp_path) / name
        lines = path.read_bytes().split(b"\n")
        path.write_bytes(b"\n".join([lines[0], damage, *lines[2:]]))
        with pytest.raises(UserError, match=f"{name}, line 2: "):
            read_run(tmp_path, SPACE, 4)


@pytest.mark.slow
def test_what_is_damaged_is_left_out_and_named_if_so_wanted(
    tiny_study: Path, tmp_path: Path
) -> None:
    run_folder, folder = tmp_path / "run", tmp_path / "new"
    configs = [*CONFIGS, [[0, 0, 2], DEFAULT | {"cutout_prob": 7}]]
    results = [*RESULTS, [[0, 0, 2], 1, TIMES, {"loss": 0.5}, None], [[0, 0, 1], -1, TIMES, 0, 0]]
    write_run(run_folder, configs, results)
    with (run_folder / "results.json").open("ab") as file:
        file.write(b'[[0, 0, 1], 2.0, {}, {"loss"')  # torn by a kill
    settings = ["--set", "max_budget=4"]
    refused = run("import", run_folder, tiny_study, "--dir", folder, *settings)
    assert refused.returncode == 2
    assert "configs.json, line 3: cutout_prob cannot be 7" in refused.stderr
    assert not folder.exists()

    made = run("import", run_folder, tiny_study, "--dir", folder, *settings, "--skip-bad")
    assert made.returncode == 0, made.stderr
    *named, said, to_run = made.stdout.splitlines()
    places = [f"configs.json, line {3}", *(f"results.json, line {n}" for n in (4, 5, 6))]
    assert len(named) == len(places)
    for line, place in zip(named, places, strict=True):
        assert line.startswith(f"left out: {run_folder}/{place}: ")
    assert said.endswith("1 crashed); 4 lines left out")
    assert to_run == f"to run it: oneshot-hpo resume {folder}"
    assert read_study(folder).prior == read_run(write_run(tmp_path / "whole"), SPACE, 4)

    repeated = origin.read(OpenedStudy(folder))
    assert repeated.machine["warm start"].endswith("without 4 lines that could not be used")
    assert repeated.commands[0].endswith("--skip-bad")


def test_a_folder_without_a_run_is_reported(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such folder"):
        read_run(tmp_path / "none", SPACE, 4)
    with pytest.raises(UserError, match=r"holds no HpBandSter run \(configs.json is missing\)"):
        read_run(tmp_path, SPACE, 4)
    (write_run(tmp_path) / "results.json").unlink()
    with pytest.raises(UserError, match=r"results\.json is missing"):
        read_run(tmp_path, SPACE, 4)
    (tmp_path / "results.json").mkdir()
    with pytest.raises(UserError, match="cannot be read: Is a directory"):
        read_run(tmp_path, SPACE, 4)


def test_pickles_are_not_looked_at(tmp_path: Path) -> None:
    """HpBandSter's examples keep their result as results.pkl too."""
    (write_run(tmp_path) / "results.pkl").write_bytes(b"cos\nsystem\n(S'exit 1'\ntR.")
    assert len(read_run(tmp_path, SPACE, 4)) == 3


@pytest.mark.slow
def test_a_warm_started_study_is_made_and_run(
    tiny_study: Path, told_folder: Path, tmp_path: Path
) -> None:
    """An export of one study begins the next one, which evaluates all that is its own."""
    exported, folder = tmp_path / "exported", tmp_path / "new"
    export([told_folder], "hpbandster", exported)
    settings = ["iterations=1", "min_budget=4", "max_budget=4", "bohb.random_fraction=0"]
    options = [word for setting in settings for word in ("--set", setting)]
    made = run("import", exported, tiny_study, "--dir", folder, *options)
    assert made.returncode == 0, made.stderr
    assert f"{folder}: a study whose model knows 34 results of {exported} (epochs: " in made.stdout
    assert made.stdout.splitlines()[1] == f"to run it: oneshot-hpo resume {folder}"
    (source,) = events(folder)[0]["study"]["sources"]
    assert (source["folder"], source["taken"]) == (str(exported), 34)
    assert read_study(folder).prior == read_run(exported, SPACE, 4)

    shutil.rmtree(exported)  # the study has it all
    ended = run("resume", folder, "--workers", 1)
    assert ended.returncode == 0, ended.stderr
    view = read_study(folder)
    picks = [view.record(trial).info["model_based_pick"] for trial, _ in view.evaluations]
    assert picks == [False, True], "the default, then what the model of the first study proposes"


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("changes", [{}, {"upper": 0.5}, {"log": True, "lower": 0.01}])
def test_a_space_that_differs_from_the_studys_is_reported(
    tiny_study: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    form: str,
    changes: dict[str, Any],
) -> None:
    """Its configurations fit: they are taken, and the user knows."""
    source = write_run(tmp_path / "run")
    write_space(SPACE, source / "configspace.json", form)
    document = json.loads((source / "configspace.json").read_text())
    document["hyperparameters"][0].update(changes)
    (source / "configspace.json").write_text(json.dumps(document))
    import_(source, str(tiny_study), tmp_path / "new", ["max_budget=4"])
    notes = [line for line in capsys.readouterr().out.splitlines() if line.startswith("note: ")]
    assert len(notes) == bool(changes)
    for note in notes:
        assert f"{source}/configspace.json is another space than the study's" in note
        assert note.endswith(
            "in the run, has type uniform_float, lower 0.0, upper 1.0, log False in the study"
        )
        assert all(f"{key} {value}" in note for key, value in changes.items())
        assert "learning_rate" not in note
    assert len(read_study(tmp_path / "new").prior) == 3


def test_hyperparameters_of_one_space_alone_are_reported(tmp_path: Path) -> None:
    other = ConfigurationSpace({"depth": [1, 2], "cutout_prob": (0.0, 1.0)})
    other.add(Constant("width", 3))
    write_space(other, tmp_path / "configspace.json", "1")
    assert differences(tmp_path / "configspace.json", SPACE) == [
        "depth has type categorical, choices [1, 2] in the run, is missing in the study",
        "learning_rate is missing in the run, has type uniform_float, lower 0.001, upper 1.0, "
        "log True in the study",
        "weight_decay is missing in the run, has type uniform_float, lower 1e-05, upper 0.001, "
        "log True in the study",
        "width has type constant, value 3 in the run, is missing in the study",
    ]


@pytest.mark.parametrize(
    "damage", [b"", b"{", b"[]", b"3", b"{}", b'{"hyperparameters": [3]}', b"\xff", b"[" * 100_000]
)
def test_a_damaged_space_is_one_line_and_leaves_no_study(
    tiny_study: Path, tmp_path: Path, damage: bytes
) -> None:
    source = write_run(tmp_path / "run")
    (source / "configspace.json").write_bytes(damage)
    with pytest.raises(UserError, match=r"configspace\.json does not hold a space of ConfigSpace"):
        import_(source, str(tiny_study), tmp_path / "new", ["max_budget=4"])
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("config_space=cs1", "configs.json, line 1: unknown hyperparameter learning_rate"),
        ("max_budget=1", "results.json, line 3: budget 3 is above max_budget 1"),
        ("seed=x", "whole number"),
    ],
)
def test_a_run_that_does_not_fit_leaves_no_study(
    tiny_study: Path, tmp_path: Path, setting: str, words: str
) -> None:
    source = write_run(tmp_path / "run")
    with pytest.raises(UserError, match=words):
        import_(source, str(tiny_study), tmp_path / "new", [setting])
    assert not (tmp_path / "new").exists()


def test_a_study_is_not_imported_into_another_one(tiny_study: Path, told_folder: Path) -> None:
    with pytest.raises(UserError, match="already holds a study"):
        import_(told_folder, str(tiny_study), told_folder)


def test_settings_decide_nothing_about_what_is_known(tmp_path: Path) -> None:
    """A run at other budgets than the study's rungs is used as it is, as in HpBandSter."""
    prior = read_run(write_run(tmp_path), SPACE, 8)
    settings = OptimizerSettings(min_budget=4, max_budget=8, eta=2, iterations=1)
    with Study.create(
        tmp_path / "s", header={}, space=SPACE, settings=settings, prior=prior
    ) as study:
        assert observed(study).keys() == {1, 3}
