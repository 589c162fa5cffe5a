"""A study's configuration space: by name, one by one, from a file, or changed."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from ConfigSpace.hyperparameters import UniformFloatHyperparameter, UniformIntegerHyperparameter
from support.toy_study import mixed_space

from oneshot_hpo.experiments.errors import StudyFileError
from oneshot_hpo.experiments.study.completion import complete
from oneshot_hpo.experiments.study.config_space import label, space_words
from oneshot_hpo.experiments.study.specification import StudySpec
from oneshot_hpo.experiments.study.validation import load_study, validated
from oneshot_hpo.experiments.study.yaml_files import dump_yaml, load_yaml
from oneshot_hpo.hpo import configuration_space
from oneshot_hpo.hpo.space_document import space_from_document

OWN = """
learning_rate: {lower: 1e-3, upper: 1, log: true}
grad_clip: {lower: 1, upper: 9}
batch_size: {sequence: [32, 64, 128]}
channels: {lower: 2, upper: 8, log: true, default: 4}
supernet: {choices: [corrected, paper]}
crop_and_flip: {choices: [true, false, null]}
momentum: {constant: 0.8}
cutout_prob: {lower: 0, upper: 1}
cutout_length: {lower: 2, upper: 8}
conditions: [{child: cutout_length, parent: cutout_prob, greater_than: 0}]
forbidden: [{batch_size: 128, channels: 8}]
"""


def study(tiny_study: Path, config_space: Any, *overrides: str) -> StudySpec:
    """The tiny study in a configuration space, complete."""
    settings = [f"config_space={json.dumps(config_space)}", *overrides]
    return complete(load_study(str(tiny_study), settings), "tiny")


def own(text: str) -> Any:
    return load_yaml(text)


def refused(tiny_study: Path, text: str, *overrides: str) -> str:
    """The one line with which a configuration space is refused."""
    with pytest.raises(StudyFileError) as caught:
        study(tiny_study, own(text), *overrides)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("name", ["cs1", "cs2", "cs3"])
def test_a_name_stays_a_name(tiny_study: Path, name: str) -> None:
    spec = study(tiny_study, name)
    assert (spec.config_space, spec.space_label) == (name, name)
    expected = configuration_space(name, image_size=8, defaults=spec.search)
    assert spec.configuration_space() == expected
    assert spec.default_settings == spec.search


def test_a_hyperparameter_has_the_settings_type_and_default(tiny_study: Path) -> None:
    spec = study(tiny_study, own(OWN))
    space = spec.configuration_space()
    assert isinstance(space["grad_clip"], UniformFloatHyperparameter)
    assert isinstance(space["channels"], UniformIntegerHyperparameter)
    assert space["learning_rate"].default_value == 0.025  # the search's own
    assert space["batch_size"].default_value == 128  # set in the study file
    assert space["channels"].default_value == 4  # said; the study sets 2
    assert space["cutout_length"].default_value == 4
    default = dict(space.get_default_configuration())
    assert default["crop_and_flip"] is None
    assert "cutout_length" not in default
    assert spec.default_settings == spec.search | {"channels": 4, "momentum": 0.8}
    assert "tuned in its own space (8 hyperparameters)" in spec.title
    space.seed(0)
    for drawn in space.sample_configuration(50):
        spec.checked_settings(dict(drawn))


def test_all_of_it_is_frozen_and_is_a_study_file(tiny_study: Path) -> None:
    spec = study(tiny_study, own(OWN))
    assert isinstance(spec.config_space, dict)
    assert list(spec.config_space)[:3] == ["learning_rate", "grad_clip", "batch_size"]
    assert spec.config_space["grad_clip"] == {
        "lower": 1.0, "upper": 9.0, "log": False, "default": 5.0,
    }  # fmt: skip
    again = load_yaml(dump_yaml(spec.model_dump(mode="json")))
    assert complete(validated(again, "study.yaml"), "study.yaml") == spec
    from_journal = validated(json.loads(json.dumps(spec.model_dump(mode="json"))), "journal")
    assert from_journal == spec
    assert from_journal.configuration_space() == spec.configuration_space()


def test_one_key_can_be_set_from_the_command_line(tiny_study: Path) -> None:
    changed = study(tiny_study, own(OWN), "config_space.learning_rate.upper=0.5")
    assert isinstance(changed.config_space, dict)
    assert changed.config_space["learning_rate"]["upper"] == 0.5


@pytest.mark.parametrize("form", ["json", "yaml"])
def test_a_file_of_configspace_is_frozen_by_its_content(
    tiny_study: Path, tmp_path: Path, form: str
) -> None:
    space = study(tiny_study, own(OWN)).configuration_space()
    getattr(space, f"to_{form}")(tmp_path / f"mine.{form}")
    source = tmp_path / "study.yaml"
    source.write_text(tiny_study.read_text().replace("cs2", f"mine.{form}"))
    spec = complete(load_study(str(source)), "study")
    assert spec.space_label == "its own space (8 hyperparameters)"
    (tmp_path / f"mine.{form}").unlink()
    assert spec.configuration_space() == space

    source.write_text(tiny_study.read_text().replace("cs2", f"{{base: mine.{form}}}"))
    with pytest.raises(StudyFileError, match=r"mine.* cannot be read: No such file"):
        complete(load_study(str(source)), "study")


def test_a_file_with_another_or_no_space_is_refused(tiny_study: Path, tmp_path: Path) -> None:
    mixed_space().to_json(tmp_path / "mixed.json")
    (tmp_path / "odd.json").write_text("{")
    (tmp_path / "odd.yaml").write_text("a: [")
    (tmp_path / "empty.yml").write_text("")
    (tmp_path / "bytes.json").write_bytes(b"\xff\xfe")
    (tmp_path / "large.json").write_bytes(b" " * 1_000_001)
    for name, words in {
        "mixed.json": "no search setting 'optimizer'",
        "odd.json": "odd.json: Expecting property name",
        "odd.yaml": "odd.yaml: line 1",
        "empty.yml": "empty.yml: holds no space of ConfigSpace",
        "bytes.json": "bytes.json: not a text file in UTF-8",
        "large.json": "large.json: too large",
        "none.json": "none.json: cannot be read: No such file",
    }.items():
        assert words in refused(tiny_study, f"'{tmp_path / name}'")


def test_another_space_can_be_changed(tiny_study: Path) -> None:
    changes = """
    base: cs2
    remove: [cutout_prob]
    add: {momentum: {lower: 0.5, upper: 0.95}}
    learning_rate: {upper: 3}
    """
    spec = study(tiny_study, own(changes), "search.learning_rate=2.0")
    assert spec.config_space == {
        "learning_rate": {"lower": 0.001, "upper": 3.0, "log": True, "default": 2.0},
        "weight_decay": {"lower": 1e-5, "upper": 1e-3, "log": True, "default": 3e-4},
        "momentum": {"lower": 0.5, "upper": 0.95, "log": False, "default": 0.9},
    }


def test_what_is_removed_from_a_file_takes_its_clauses_along(
    tiny_study: Path, tmp_path: Path
) -> None:
    study(tiny_study, own(OWN)).configuration_space().to_json(tmp_path / "mine.json")
    changes = {
        "base": str(tmp_path / "mine.json"),
        "remove": ["cutout_prob", "channels"],
        "batch_size": {"choices": [32, 64]},
        "forbidden": [{"batch_size": 64, "supernet": "paper"}],
    }
    with pytest.raises(StudyFileError, match="batch_size: the default is the search's"):
        study(tiny_study, changes)
    changes["batch_size"]["default"] = 32
    spec = study(tiny_study, changes)
    assert isinstance(spec.config_space, dict)
    assert "conditions" not in spec.config_space
    assert spec.config_space["forbidden"] == [{"batch_size": 64, "supernet": {"equals": "paper"}}]
    assert spec.config_space["batch_size"] == {"choices": [32, 64], "default": 32}


def test_a_value_may_need_another_hyperparameter(tiny_study: Path) -> None:
    """3 of 16 channels cannot be, 3 of 24 can."""
    pairs = "{channels: {choices: [16, 24]}, partial_channels: {choices: [4, 3]}}"
    searcher = ("searcher=pc_darts", "search.channels=16")
    assert study(tiny_study, own(pairs), *searcher).iterations
    alone = refused(tiny_study, "{partial_channels: {choices: [4, 3]}}", *searcher)
    assert "partial_channels must be a divisor of channels (16), not 3" in alone


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cs9", "unknown configuration space 'cs9': choose one of cs1, cs2, cs3, cs3-paper, none"),
        ("{learning_rte: {lower: 0.1, upper: 1}}", "no search setting 'learning_rte': did you"),
        ("{temperature_end: {lower: 0.1, upper: 1}}", "no search setting 'temperature_end'"),
        ("{learning_rate: {lower: 0, upper: 1}}", "learning_rate must be a number above 0, not 0"),
        ("{batch_size: {lower: 1.5, upper: 3}}", "batch_size must be a whole number from 1"),
        ("{supernet: {choices: [papr]}}", "supernet must be one of corrected, paper, not 'papr'"),
        ("{supernet: {lower: 1, upper: 2}}", "supernet must be one of corrected, paper, not 1"),
        ("{stacks: {lower: 1, upper: 9}}", "stacks: 9 of them halve an image 8 times"),
        ("{image_size: {sequence: [8, 16]}}", "image_size must be 8 at most, the height of the"),
        ("{image_size: {sequence: [4, 8]}}", "the search's, which is None and not one of [4, 8]"),
        ("{momentum: {lower: 0.95, upper: 0.99}}", "which is 0.9 and not in [0.95, 0.99]: give a"),
        ("{momentum: {lower: 0.8, upper: 0.9, default: 1}}", "default must be in [0.8, 0.9]"),
        ("{momentum: {upper: 0.9}}", "momentum: lower is missing"),
        ("{momentum: {constant: 0.5}}", "it leaves nothing to tune: iterations has to be 0"),
        ("{}", "it leaves nothing to tune: iterations has to be 0"),
        ("{base: cs9}", "unknown configuration space 'cs9'"),
        ("{base: 3}", "base must be a name or the path of a file, not 3"),
        ("{base: cs2, remove: momentum}", "remove must be a list of hyperparameters"),
        ("{base: cs2, remove: [momentum]}", "remove: no hyperparameter 'momentum'"),
        ("{base: cs2, add: [momentum]}", "add must be a section of hyperparameters"),
        ("{base: cs2, add: {learning_rate: 1}}", "learning_rate is in base already"),
        ("{base: cs2, momentum: {upper: 0.9}}", "a new one belongs under add"),
        ("{base: cs2, conditions: 3}", "conditions must be a list of entries, not 3"),
        ("{base: none, momentum: {upper: 0.9}}", "no hyperparameter 'momentum' in base"),
        ("{remove: [momentum]}", "remove changes another space: name it with base"),
        ("[cs2]", "key 'config_space' must be the name of a configuration space, the path of"),
    ],
)
def test_a_bad_space_is_refused_with_one_line(tiny_study: Path, text: str, message: str) -> None:
    assert message in refused(tiny_study, text)


def test_what_the_searcher_does_not_use_is_refused(tiny_study: Path) -> None:
    line = refused(
        tiny_study, "{arch_learning_rate: {lower: 1e-4, upper: 1e-2}}", "searcher=random_ws"
    )
    assert "arch_learning_rate: random_ws does not use it" in line


def test_a_study_without_brackets_may_have_constants_alone(tiny_study: Path) -> None:
    spec = study(tiny_study, own("{momentum: {constant: 0.5}}"), "iterations=0")
    assert spec.default_settings["momentum"] == 0.5
    assert dict(spec.configuration_space()) == dict(space_from_document(spec.config_space))


def test_spaces_are_called_by_what_they_tune() -> None:
    three = own("{a: {lower: 1, upper: 2}, b: {choices: [1, 2]}, c: {constant: 1}}")
    assert label(three) == "its own space (a, b)"
    assert label("cs2") == "cs2"
    assert label("sub/wide.json") == "wide"


def test_spaces_of_one_label_are_told_apart() -> None:
    mine = {
        "a": {"lower": 1, "upper": 2, "log": True, "default": 1},
        "b": {"choices": [True, None], "default": True},
        "c": {"constant": 1},
        "forbidden": [{"b": True}],
    }
    assert space_words(mine) == {
        "a": "in [1, 2], log, by default 1",
        "b": "of true, null, by default true",
        "c": "at 1",
        "forbidden": '[{"b": true}]',
    }
    assert space_words("cs2") == {}


def test_the_manuals_examples_are_sound() -> None:
    manual = (Path(__file__).parents[3] / "hpo" / "README.md").read_text()
    examples = re.findall(r"```yaml\n(config_space:.*?)```", manual, re.DOTALL)
    spaces = [load_yaml(example)["config_space"] for example in examples]
    assert [("base" in space) for space in spaces] == [False, True]
    for space in spaces:
        spec = complete(load_study("quickstart", [f"config_space={json.dumps(space)}"]), "manual")
        assert len(spec.configuration_space()) == len(space) - 2 + ("base" in space)
