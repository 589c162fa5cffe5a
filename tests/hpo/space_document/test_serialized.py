"""What ConfigSpace wrote is read, of today and of version 0.4."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.toy_study import mixed_space

from oneshot_hpo.hpo import StudyError
from oneshot_hpo.hpo.space_document.serialized import space_from_serialized


def test_what_configspace_writes_is_read(tmp_path: Path) -> None:
    space = mixed_space()
    space.to_json(tmp_path / "space.json")
    space.to_yaml(tmp_path / "space.yaml")
    assert space_from_serialized(json.loads((tmp_path / "space.json").read_text())) == space
    assert space_from_serialized(yaml.safe_load((tmp_path / "space.yaml").read_text())) == space
    document = space.to_serialized_dict()
    before = copy.deepcopy(document)
    space_from_serialized(document)
    assert document == before


def test_names_of_version_0_4_are_read() -> None:
    """As ConfigSpace 0.4.21 wrote them, with its quantisation, which a study does without."""
    document = {
        "hyperparameters": [
            {"name": "rate", "type": "uniform_float", "log": True, "lower": 0.001, "upper": 1.0,
             "default": 0.1, "q": None},
            {"name": "kind", "type": "categorical", "choices": ["a", "b"], "default": "b",
             "probabilities": [0.25, 0.75]},
        ],
        "conditions": [{"child": "rate", "parent": "kind", "type": "EQ", "value": "b"}],
        "forbiddens": [],
        "python_module_version": "0.4.21",
        "json_format_version": 0.2,
    }  # fmt: skip
    space = space_from_serialized(document)
    assert dict(space.get_default_configuration()) == {"rate": 0.1, "kind": "b"}
    assert space["kind"].probabilities.tolist() == [0.25, 0.75]
    assert len(space.conditions) == 1


@pytest.mark.parametrize(
    "document",
    [
        3,
        [],
        {},
        {"hyperparameters": 3},
        {"hyperparameters": [{"name": "x"}]},
        {"hyperparameters": [{"name": "x", "type": "odd"}]},
        {"hyperparameters": [{"name": "x", "type": "uniform_float", "lower": 2, "upper": 1}]},
        {"hyperparameters": [], "conditions": [{"child": "x", "parent": "y", "type": "EQ"}]},
    ],
)
def test_anything_else_is_refused_on_one_line(document: Any) -> None:
    with pytest.raises(StudyError, match="holds no space of ConfigSpace") as caught:
        space_from_serialized(document)
    assert "\n" not in str(caught.value)
