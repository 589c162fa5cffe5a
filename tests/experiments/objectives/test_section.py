"""How a study file's `objective` is read, and which lines refuse it."""

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from oneshot_hpo.experiments.errors import StudyFileError, UserError, is_user_error
from oneshot_hpo.experiments.objectives import registry
from oneshot_hpo.experiments.objectives.objective import Found, Objective, completed, objective_of
from oneshot_hpo.experiments.objectives.section import chosen, text
from oneshot_hpo.experiments.study.completion import complete
from oneshot_hpo.experiments.study.outcome import Outcome
from oneshot_hpo.experiments.study.validation import load_study, validated
from oneshot_hpo.plugins import Entry


@dataclasses.dataclass(frozen=True)
class Weighted(Objective):
    """An objective of a test, with a setting."""

    weight: float = 1.0

    def __post_init__(self) -> None:
        if self.weight <= 0:
            raise ValueError("weight must be above 0")

    def evaluate(self, found: Found, seed: int, stop_asked: Callable[[], bool]) -> Outcome:
        raise AssertionError


class Unfinished(Objective):
    """An objective without its method."""


@pytest.fixture(autouse=True)
def _known(monkeypatch: pytest.MonkeyPatch) -> None:
    targets = {"weighted": "Weighted", "unfinished": "Unfinished", "pytest": "pytest"}
    own = tuple(
        Entry(kind="objective", name=name, target=f"{__name__}:{target}", summary="a test's")
        for name, target in targets.items()
    )
    monkeypatch.setattr(registry, "ENTRIES", (*registry.ENTRIES, *own))


@pytest.mark.parametrize(
    ("section", "whole", "words"),
    [
        ("draw", "draw", "draw"),
        ({"mean": None}, "mean", "mean"),
        ("weighted", {"weighted": {"weight": 1.0}}, "weighted"),
        ({"weighted": {"weight": 2}}, {"weighted": {"weight": 2}}, "weighted (weight 2)"),
    ],
)
def test_a_section_is_completed_with_every_setting(section: Any, whole: Any, words: str) -> None:
    assert completed(section) == whole
    assert completed(whole) == whole
    assert text(section) == words


@pytest.mark.parametrize("section", [3, "", [], {}, {"mean": 1}, {"mean": {}, "draw": {}}, None])
def test_what_is_no_section_is_refused(section: Any) -> None:
    with pytest.raises(UserError, match="objective: must be a name"):
        chosen(section)


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ("median", "no objective 'median': did you mean mean. there are mean, draw, test_mean"),
        ({"mean": {"seeds": 3}}, "unknown key 'seeds' in section objective.mean"),
        ({"weighted": {"wait": 3}}, "unknown key 'wait' in section objective.weighted: did you"),
        ({"weighted": {"weight": 0}}, "objective weighted: weight must be above 0"),
        ("unfinished", "objective unfinished lacks what Objective asks for: evaluate"),
        ("pytest", "objective pytest is a module, not a class derived from Objective"),
    ],
)
def test_a_study_with_an_objective_that_cannot_be_used_is_refused_in_a_line(
    section: Any, words: str
) -> None:
    with pytest.raises(ValueError, match=words) as refusal:
        objective_of(section)
    assert is_user_error(refusal.value)
    spec = load_study("quickstart").model_copy(update={"objective": section})
    with pytest.raises(StudyFileError, match=f"^mine: .*{words}"):
        complete(spec, "mine")


def test_a_study_file_says_its_objective_or_means_the_mean() -> None:
    spec = load_study("quickstart", ["objective=draw"])
    assert complete(spec, "here").objective == "draw"
    document = spec.model_dump()
    del document["objective"]  # as in journals of earlier versions
    assert validated(document, "old").objective == "mean"
    with pytest.raises(StudyFileError, match=r"^old: key 'objective' must be the name of an"):
        validated(document | {"objective": 3}, "old")
    with pytest.raises(StudyFileError, match=r"^old: objective: must be a name"):
        validated(document | {"objective": {}}, "old")
