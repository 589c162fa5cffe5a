"""An objective of the user's: the manual's example in a trial, and one that returns nonsense."""

import dataclasses
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from oneshot_hpo.experiments.errors import StudyFileError
from oneshot_hpo.experiments.objectives import registry
from oneshot_hpo.experiments.objectives.objective import Found, NoLoss, Objective, evaluated
from oneshot_hpo.experiments.study.completion import complete
from oneshot_hpo.experiments.study.outcome import Outcome
from oneshot_hpo.experiments.study.trial import TrialTask, run_trial
from oneshot_hpo.experiments.study.validation import load_study
from oneshot_hpo.foreign import InvalidResult
from oneshot_hpo.plugins import Entry
from oneshot_hpo.search_spaces import get_space, load_table

MANUAL = Path(__file__).parents[3] / "experiments" / "objectives" / "README.md"
SPACE = get_space(1)


@dataclasses.dataclass(frozen=True)
class Returns(Objective):
    """Returns its setting in place of an outcome."""

    value: Any = None
    as_loss: bool = False

    def evaluate(self, found: Found, seed: int, stop_asked: Callable[[], bool]) -> Outcome:
        if self.as_loss:
            return dataclasses.replace(found.known(), loss=self.value)
        return self.value  # type: ignore[no-any-return]


@pytest.fixture(autouse=True)
def _known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The example of the manual as an installed module, and a registered name for each."""
    source, *_ = re.findall(r"```python\n(.*?)```", MANUAL.read_text(), re.S)
    assert len(source.splitlines()) < 60
    (tmp_path / "manual_steady.py").write_text(source)
    monkeypatch.syspath_prepend(str(tmp_path))
    own = tuple(
        Entry(kind="objective", name=name, target=target, summary="a test's")
        for name, target in (("steady", "manual_steady:Steady"), ("returns", f"{__name__}:Returns"))
    )
    monkeypatch.setattr(registry, "ENTRIES", (*registry.ENTRIES, *own))
    monkeypatch.delitem(sys.modules, "manual_steady", raising=False)


def found(table: str | None = "digits") -> Found:
    return Found(space=SPACE, architecture=SPACE.architecture(77), table=table, dataset="digits")


def test_the_example_of_the_manual_evaluates() -> None:
    outcome = evaluated({"steady": {"caution": 2}}, found(), 0, lambda: False)
    table = load_table("digits")
    errors = table.errors("valid", table.row_of(SPACE, SPACE.architecture(77)))
    assert outcome.loss == pytest.approx(errors.mean() + 2 * errors.std())
    assert outcome.valid == pytest.approx(errors.mean())
    assert outcome.objective == "steady"

    spec = load_study("quickstart").model_copy(update={"objective": "steady"})
    assert complete(spec, "mine").objective == {"steady": {"caution": 1.0}}
    with pytest.raises(StudyFileError, match=r"^mine: .*the study has no table: name one"):
        complete(spec.model_copy(update={"table": None, "transfer": None}), "mine")


@pytest.mark.slow
def test_a_trial_has_its_loss_or_a_fact_about_the_configuration(tmp_path: Path) -> None:
    task = TrialTask(
        searcher="darts",
        settings={"channels": 2, "stacks": 2, "cells_per_stack": 1, "batch_size": 256},
        config={},
        space=1,
        dataset="digits",
        table="digits",
        budget=1,
        seed=5,
        objective={"returns": {"value": float("inf"), "as_loss": True}},
        folder=tmp_path / "0" / "1",
    )
    crashed = run_trial(task)
    assert crashed["loss"] is None
    assert crashed["exception"] == "NoLoss: objective returns: the loss is inf, not a finite number"
    (tmp_path / "0" / "1" / "result.json").unlink()
    result = run_trial(dataclasses.replace(task, objective="steady"))
    assert result["info"]["objective"] == "steady"
    assert result["loss"] > result["info"]["valid_error"]


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        ({"value": 3}, InvalidResult, "objective returns returned a int, not an Outcome"),
        ({"value": None, "as_loss": True}, InvalidResult, "returned the loss None, not a number"),
        ({"value": "low", "as_loss": True}, InvalidResult, "returned the loss 'low', not a number"),
        ({"value": True, "as_loss": True}, InvalidResult, "returned the loss True, not a number"),
        ({"value": float("nan"), "as_loss": True}, NoLoss, "objective returns: the loss is nan"),
    ],
)
def test_nonsense_is_refused_in_a_line(
    settings: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        evaluated({"returns": settings}, found(), 0, lambda: False)
