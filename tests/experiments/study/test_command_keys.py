"""A study file that names a program: what it may leave out, and what is refused in one line."""

import sys
from pathlib import Path
from typing import Any

import pytest

from oneshot_hpo.experiments.errors import StudyFileError, UserError
from oneshot_hpo.experiments.study import command_keys
from oneshot_hpo.experiments.study.completion import complete, freeze
from oneshot_hpo.experiments.study.folder import create_study
from oneshot_hpo.experiments.study.inputs import located
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.experiments.study.specification import StudySpec
from oneshot_hpo.experiments.study.trust import commands_of, digest_of
from oneshot_hpo.experiments.study.validation import load_study, validated
from oneshot_hpo.experiments.study.yaml_files import dump_yaml, load_yaml

RATE = {"lower": 0.001, "upper": 1.0, "log": True, "default": 0.1}
LAYERS = {"lower": 1, "upper": 8, "default": 2}
WORDS = [sys.executable, "train.py", "--lr={rate}", "{layers}", "{budget}", "{seed}", "{folder}"]


def document(**changes: Any) -> dict[str, Any]:
    """A study of a command with these keys changed; None leaves one out."""
    keys = {
        "searcher": "command",
        "command": WORDS,
        "config_space": {"rate": RATE, "layers": LAYERS},
        "min_budget": 1,
        "max_budget": 4,
        "iterations": 2,
    }
    return {key: value for key, value in {**keys, **changes}.items() if value is not None}


def written(folder: Path, **changes: Any) -> str:
    path = folder / "mine.yaml"
    path.write_text(dump_yaml(document(**changes)))
    return str(path)


def completed(folder: Path, **changes: Any) -> StudySpec:
    return complete(load_study(written(folder, **changes)), "mine.yaml")


def refusal(folder: Path, **changes: Any) -> str:
    with pytest.raises(StudyFileError) as caught:
        completed(folder, **changes)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_space_table_and_data_set_may_be_absent(tmp_path: Path) -> None:
    spec = completed(tmp_path)
    assert (spec.space, spec.table, spec.dataset, spec.transfer) == (None, None, None, None)
    assert spec.cwd == str(tmp_path)
    assert spec.default_settings == {"rate": 0.1, "layers": 2}
    assert "in its own space (rate, layers)" in spec.title
    assert set(spec.configuration_space()) == {"rate", "layers"}
    for required in ("required_space", "required_table", "required_dataset"):
        with pytest.raises(UserError, match="the study file of mine has no"):
            getattr(spec, required)


def test_a_frozen_study_is_read_back_and_other_studies_have_no_such_keys(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("1")
    spec = freeze(completed(tmp_path, workers=1, lost_exit_codes=[75]))
    assert validated(load_yaml(dump_yaml(spec.model_dump(mode="json"))), "journal") == spec
    assert list(spec.checksums) == ["command"]

    other = load_study("quickstart").model_dump(mode="json")
    assert not other.keys() & set(command_keys.KEYS)


def test_the_checksum_is_of_the_files_that_its_words_name(tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text("1")
    spec = completed(tmp_path)
    assert [path.name for path in command_keys.files(spec)][-1] == "train.py"
    before = command_keys.checksums(spec)
    script.write_text("2")
    assert command_keys.checksums(spec) != before


def test_a_range_is_of_whole_numbers_if_its_bounds_are(tmp_path: Path) -> None:
    space = {"rate": {"lower": 1, "upper": 8.0, "default": 2}, "layers": LAYERS}
    found = completed(tmp_path, config_space=space).configuration_space().sample_configuration()
    assert isinstance(found["rate"], float)
    assert isinstance(found["layers"], int)


def test_an_inactive_hyperparameter_has_its_default_in_a_word(tmp_path: Path) -> None:
    space = {
        "rate": RATE,
        "kind": {"choices": ["a", "b"], "default": "a"},
        "layers": LAYERS,
        "fixed": {"constant": "x"},
        "conditions": [{"child": "layers", "parent": "kind", "equals": "b"}],
    }
    spec = completed(tmp_path, command=[*WORDS, "{kind}", "{fixed}"], config_space=space)
    assert command_keys.arguments(spec, {"rate": 0.5, "kind": "a", "fixed": "x"}) == {
        "rate": 0.5,
        "kind": "a",
        "layers": 2,
        "fixed": "x",
    }


def test_a_study_of_one_run_needs_no_hyperparameter(tmp_path: Path) -> None:
    words = [sys.executable, "{settings}"]
    spec = completed(tmp_path, command=words, config_space="none", iterations=0)
    assert not list(spec.configuration_space())


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"searcher": "darts", "command": None}, "key 'space' is missing"),
        ({"searcher": "darts"}, "key 'command' is for 'searcher: command', not 'darts'"),
        ({"command": None}, "key 'command' is missing"),
        ({"command": "python train.py"}, "'command' must be a list of words"),
        ({"command": []}, "'command' must be a list of words"),
        ({"command": ["{rate}"]}, "the first word is the program"),
        ({"command": [*WORDS, "{momentum}"]}, "no hyperparameter of config_space fills {momentum}"),
        ({"command": [*WORDS, "{layer}"]}, "did you mean layers?"),
        ({"command": [*WORDS, "{rate"]}, "a brace itself is written {{ or }}"),
        ({"command": WORDS[:-1]}, "no word has {folder}"),
        ({"command": ["no-such-program", *WORDS[1:]]}, "no program 'no-such-program' on the PATH"),
        ({"command": ["./train", *WORDS[1:]]}, "train is not there, or cannot be executed"),
        ({"command": [word for word in WORDS if word != "{budget}"]}, "no word has {budget}"),
        ({"command": [word for word in WORDS if word != "{layers}"]}, "no word of command has {la"),
        ({"cwd": "nowhere"}, "cwd: no folder"),
        ({"config_space": "cs2"}, "config_space: cs2 is of searchers of this project"),
        ({"config_space": {"base": "cs1"}}, "cs1 is of searchers of this project"),
        ({"config_space": {"rate": {"lower": 0, "upper": 1}}}, "rate: give its default"),
        ({"config_space": {"seed": LAYERS}}, "seed is a placeholder of the study: rename it"),
        ({"keep": "all"}, "keep all: a command has no supernet; what it leaves stays"),
        ({"search": {"channels": 16}}, "section 'search' is for searchers of this project"),
        ({"lost_exit_codes": [0]}, "must be a list of exit codes from 1 to 255"),
        ({"record_pattern": "("}, "record_pattern is no regular expression"),
        ({"record_pattern": "epoch"}, "record_pattern names no group"),
        ({"table": "digits"}, "key 'space' is missing"),
        ({"objective": "draw"}, "the study file of mine has no space"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_run_is_refused_in_one_line(
    changes: dict[str, Any], words: str, tmp_path: Path
) -> None:
    assert words in refusal(tmp_path, **changes)


def test_its_words_and_folder_have_to_be_trusted(tmp_path: Path) -> None:
    spec = load_study(written(tmp_path))
    assert commands_of(spec) == {"command": WORDS, "cwd": [str(tmp_path)]}
    elsewhere = spec.model_copy(update={"cwd": "/"})
    assert digest_of(commands_of(spec)) != digest_of(commands_of(elsewhere))
    assert digest_of(commands_of(spec)) == digest_of(commands_of(complete(spec, "mine.yaml")))


def test_its_folder_may_be_another_one_when_it_is_resumed(tmp_path: Path) -> None:
    (tmp_path / "code").mkdir()
    spec = freeze(completed(tmp_path, cwd="code", workers=1))
    create_study(tmp_path / "study", spec).close()
    study = OpenedStudy(tmp_path / "study")
    assert study.located.cwd == str(tmp_path / "code")
    with pytest.raises(UserError, match="--set table: the study has no table"):
        located(study.spec, study.folder, {"table": "digits"}, notes=[])
    moved = located(study.spec, study.folder, {"cwd": "/"}, notes=[])
    assert moved.cwd == "/"
