"""A space as a plain document, and back."""

import json
from typing import Any

import pytest
from ConfigSpace import Configuration, ConfigurationSpace, NormalFloatHyperparameter
from ConfigSpace.forbidden import ForbiddenOrConjunction
from ConfigSpace.hyperparameters import (
    CategoricalHyperparameter,
    Constant,
    OrdinalHyperparameter,
    UniformFloatHyperparameter,
    UniformIntegerHyperparameter,
)
from support.toy_study import mixed_space

from oneshot_hpo.hpo import StudyError, configuration_space
from oneshot_hpo.hpo.space_document import document_from_space, space_from_document, without

DOCUMENT: dict[str, Any] = {
    "rate": {"lower": 1e-3, "upper": 1.0, "log": True, "default": 0.025},
    "share": {"lower": 0.0, "upper": 1.0, "log": False, "default": 0.0},
    "length": {"lower": 2, "upper": 16, "log": True, "default": 8},
    "width": {"sequence": [8, 16, 64], "default": 16},
    "kind": {"choices": ["a", "b", "c"], "default": "b", "weights": [1, 2, 1]},
    "flip": {"choices": [True, False, None], "default": None},
    "decay": {"constant": 0.5},
    "end": {"lower": 0.1, "upper": 2.0, "log": False, "default": 0.1},
    "conditions": [
        {"child": "length", "parent": "share", "greater_than": 0.25},
        {"child": "end", "any": [
            {"parent": "width", "less_than": 64},
            {"all": [{"parent": "kind", "in": ["a", "b"]}, {"parent": "flip", "not_equals": True}]},
        ]},
    ],
    "forbidden": [
        {"width": 64, "kind": {"equals": "a"}},
        {"kind": ["a", "c"], "rate": {"greater_than": 0.5, "less_than": 0.75}},
        {"end": {"less_than": "rate"}},
    ],
}  # fmt: skip


def one(entry: Any) -> Any:
    return space_from_document({"x": entry})["x"]


def in_order(document: dict[str, Any]) -> dict[str, Any]:
    """The document with its clauses sorted: ConfigSpace has an order of its own."""
    clauses = {key: sorted(document[key], key=str) for key in ("conditions", "forbidden")}
    return document | clauses


def test_every_kind_of_hyperparameter_has_its_class_and_default() -> None:
    whole = one({"lower": 2, "upper": 32, "log": True, "default": 8})
    assert isinstance(whole, UniformIntegerHyperparameter)
    assert (whole.lower, whole.upper, whole.log, whole.default_value) == (2, 32, True, 8)
    fraction = one({"lower": 0, "upper": 0.5})
    assert isinstance(fraction, UniformFloatHyperparameter)
    assert (fraction.upper, fraction.log, fraction.default_value) == (0.5, False, 0.25)
    assert isinstance(one({"choices": ["a", None]}), CategoricalHyperparameter)
    assert isinstance(one({"sequence": [4, 2]}), OrdinalHyperparameter)
    assert one({"sequence": [4, 2]}).default_value == 4
    assert isinstance(one({"constant": "a"}), Constant)


def test_a_document_survives_the_space_and_json() -> None:
    space = space_from_document(DOCUMENT)
    written = document_from_space(space)
    assert in_order(written) == in_order(DOCUMENT)
    again = space_from_document(json.loads(json.dumps(written)))
    assert again == space
    assert document_from_space(again) == written


@pytest.mark.parametrize(
    "space", [configuration_space("cs3"), mixed_space(), ConfigurationSpace(name="none")]
)
def test_a_space_survives_its_document(space: ConfigurationSpace) -> None:
    assert space_from_document(document_from_space(space), space.name) == space


def test_conditions_and_forbidden_combinations_hold() -> None:
    """By their meaning, on configurations drawn with and without them."""
    space = space_from_document(DOCUMENT)
    space.seed(0)
    for drawn in map(dict, space.sample_configuration(300)):
        assert ("length" in drawn) == (drawn["share"] > 0.25)
        small, both = drawn["width"] in (8, 16), drawn["kind"] in ("a", "b") and not drawn["flip"]
        assert ("end" in drawn) == (small or both)
        assert not (drawn["width"] == 64 and drawn["kind"] == "a")
        assert not (drawn["kind"] in ("a", "c") and 0.5 < drawn["rate"] < 0.75)
        assert drawn.get("end", 2.0) >= drawn["rate"]
    legal = dict(space.get_default_configuration()) | {"kind": "c", "rate": 0.05, "end": 0.2}
    Configuration(space, values=legal)
    for change in ({"width": 64, "kind": "a"}, {"rate": 0.6, "end": 1.0}, {"end": 0.1, "rate": 1}):
        with pytest.raises(ValueError, match=r"(?i)forbidden"):
            Configuration(space, values=legal | change)


def test_entries_for_one_child_have_to_hold_together() -> None:
    conditions = [
        {"child": "x", "parent": "a", "equals": 1},
        {"child": "x", "parent": "b", "equals": 2},
    ]
    values = {"choices": [1, 2]}
    document = {"a": values, "b": values, "x": values, "conditions": conditions}
    space = space_from_document(document)
    space.seed(1)
    for drawn in map(dict, space.sample_configuration(50)):
        assert ("x" in drawn) == (drawn["a"] == 1 and drawn["b"] == 2)


def test_what_is_left_out_takes_its_clauses_along() -> None:
    left = without(without(DOCUMENT, "width"), "rate")
    assert left["conditions"] == DOCUMENT["conditions"][:1]
    assert "forbidden" not in document_from_space(space_from_document(left))
    assert "rate" in DOCUMENT


def test_alternatives_become_entries_of_their_own() -> None:
    forbidden = [{"a": 1}, {"b": [1, 2]}]
    values = {"choices": [3, 1, 2]}
    space = space_from_document({"a": values, "b": values})
    clauses = space_from_document({"a": values, "b": values, "forbidden": forbidden})
    space.add(ForbiddenOrConjunction(*clauses.forbidden_clauses))
    assert document_from_space(space)["forbidden"] == forbidden


def test_a_distribution_that_is_not_uniform_is_named() -> None:
    space = ConfigurationSpace()
    space.add(NormalFloatHyperparameter("rate", mu=0.5, sigma=0.1, lower=0.0, upper=1.0))
    with pytest.raises(StudyError, match="rate: is a NormalFloat of ConfigSpace; a study draws"):
        document_from_space(space)


RANGE = {"lower": 0.5, "upper": 2.0, "default": 1.0}
AB = {"choices": ["a", "b"]}


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (3, r"x: must be \{lower, upper\}, \{choices\}, \{sequence\} or \{constant\}, not 3"),
        ({}, r"x: must be \{lower, upper\}"),
        ({"default": 1}, r"x: must be \{lower, upper\}"),
        ({"lowr": 1, "upper": 2}, "x: unknown key 'lowr': did you mean lower?"),
        ({"lower": 1}, "x: upper is missing"),
        ({"upper": 1}, "x: lower is missing"),
        ({"lower": 1, "upper": 2, "choices": [1]}, "x: lower and choices do not go together"),
        ({"constant": 1, "default": 1}, "x: constant and default do not go together"),
        ({"lower": 2, "upper": 2}, r"x: upper must be above lower \(2\), not 2"),
        ({"lower": 0, "upper": 2, "log": True}, "x: lower must be above 0 on a log.*, not 0"),
        ({"lower": 1, "upper": 2, "log": 1}, "x: log must be true or false, not 1"),
        ({"lower": "1", "upper": 2}, "x: lower must be a finite number, not '1'"),
        ({"lower": True, "upper": 2}, "x: lower must be a finite number, not True"),
        ({"lower": 1, "upper": float("inf")}, "x: upper must be a finite number, not inf"),
        ({"lower": 1, "upper": 10**400}, "x: upper must be a finite number"),
        ({"lower": 1, "upper": 3, "default": 4}, r"x: default must be in \[1, 3\], not 4"),
        ({"lower": 1, "upper": 3, "default": 1.5}, "x: default must be a whole number"),
        ({"choices": []}, r"x: choices must be a list of values, not \[\]"),
        ({"choices": "ab"}, "x: choices must be a list of values, not 'ab'"),
        ({"choices": [[1], [2]]}, r"x: choices must be finite numbers, words, .*, not \[1\]"),
        ({"choices": [1, 1.0]}, "x: 1.0 is twice in choices"),
        ({"sequence": [1, 2], "default": 3}, r"x: default must be one of \[1, 2\], not 3"),
        ({"choices": [1, 2], "weights": [1]}, "x: weights must be a number above 0 for each"),
        ({"choices": [1, 2], "weights": [1, 0]}, "x: weights must be a number above 0 for each"),
    ],
)  # fmt: skip
def test_a_bad_hyperparameter_is_named(entry: Any, message: str) -> None:
    with pytest.raises(StudyError, match=message) as caught:
        space_from_document({"x": entry})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("conditions", "message"),
    [
        (3, "conditions must be a list of entries, not 3"),
        ([3], r"conditions, entry 1: must be \{child, parent, equals\}"),
        ([{"child": "y", "parent": "k", "equals": "a"}], "entry 1: no hyperparameter 'y'"),
        ([{"child": "x", "parent": "kk", "equals": "a"}], "'kk': did you mean k?"),
        ([{"child": "x", "parent": "k"}], "must have a parent and one of equals, not_equals, in"),
        ([{"child": "x", "parent": "k", "equals": "c"}], "entry 1: k cannot be 'c'"),
        ([{"child": "x", "parent": "k", "in": "a"}], "in must be a list of values of k, not 'a'"),
        ([{"child": "x", "parent": "k", "less_than": "b"}], "the values of k have no order"),
        ([{"child": "x", "any": []}], r"any must be a list of conditions, not \[\]"),
        ([{"child": "x", "parent": "x", "equals": 1.0}], "x cannot depend on itself"),
        (
            [
                {"child": "x", "parent": "k", "equals": "a"},
                {"child": "k", "parent": "x", "greater_than": 1.0},
            ],
            "x depends on itself",
        ),
    ],
)
def test_a_bad_condition_is_named(conditions: Any, message: str) -> None:
    with pytest.raises(StudyError, match=message) as caught:
        space_from_document({"x": RANGE, "k": AB, "conditions": conditions})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("forbidden", "message"),
    [
        ({}, "forbidden must be a list of entries"),
        ([{}], "forbidden, entry 1: must be values by hyperparameter"),
        ([{"z": 1}], "forbidden, entry 1: no hyperparameter 'z'"),
        ([{"k": "b"}, {"k": "c"}], "forbidden, entry 2: k cannot be 'c'"),
        ([{"k": []}], "in must be a list of values of k"),
        ([{"k": {"greater_than": "a"}}], "the values of k have no order"),
        ([{"x": {"above": 1}}], "there are equals, in, less_than, greater_than, not"),
        ([{"x": {"less_than": "x"}}], "x cannot be compared with itself"),
        ([{"x": 1.0}], r"forbidden: the default configuration is: \{'k': 'a', 'x': 1.0\}"),
        (
            [{"x": {"less_than": 1.0}}, {"x": {"greater_than": 1.0}}],
            "none of 1,000 configurations drawn at random is left",
        ),
    ],
)
def test_a_bad_combination_is_named(forbidden: Any, message: str) -> None:
    with pytest.raises(StudyError, match=message) as caught:
        space_from_document({"x": RANGE, "k": AB, "forbidden": forbidden})
    assert "\n" not in str(caught.value)
