"""A confirmation's sequential rule in its journal: no look that the rule does not allow."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from support.toy_study import JOURNALS

from oneshot_hpo.hpo import (
    Confirmation,
    CorruptJournal,
    SequentialRule,
    StudyError,
    TrialResult,
    read_confirmation,
)
from oneshot_hpo.hpo.confirmation_view import CONFIRMATION_NAME
from oneshot_hpo.hpo.journal.line import sealed

DEFAULT, TUNED = {"learning_rate": 0.025}, {"learning_rate": 0.1}
RULE: dict[str, Any] = {"spending": "pocock", "alpha": 0.05, "looks": [2, 3, 5]}


@pytest.fixture
def begun(tmp_path: Path) -> Path:
    """A confirmation with a rule, planned up to its first look."""
    with Confirmation.create(tmp_path / "c", header={"name": "s"}, seed=3, budget=12) as own:
        own.set_rule("0-0-1", **RULE)
        own.plan("default", DEFAULT, 2)
        own.plan("0-0-1", TUNED, 2, tuned=True)
    return tmp_path / "c"


def work(confirmation: Confirmation) -> None:
    while (run := confirmation.ask()) is not None:
        confirmation.tell(run, TrialResult(0.5))


def test_seeds_are_planned_look_by_look(begun: Path) -> None:
    with Confirmation.open(begun) as own:
        assert own.rule == SequentialRule("pocock", 0.05, (2, 3, 5))
        with pytest.raises(StudyError, match="allows 2 seeds now"):
            own.plan("0-0-1", TUNED, 3, tuned=True)
        with pytest.raises(StudyError, match="have not finished"):
            own.record_look(0.3, decided=False)
        work(own)
        assert not own.finished  # a look is due
        own.record_look(0.3, decided=False)
        assert (own.next_look, own.paid_seeds("0-0-1")) == (3, 3)
        with pytest.raises(StudyError, match="have not finished"):
            own.record_look(0.3, decided=False)
        for name, config in (("default", DEFAULT), ("0-0-1", TUNED)):
            own.plan(name, config, 3, tuned=name != "default")
        work(own)
        own.record_look(0.001, decided=True)
        assert own.finished
        with pytest.raises(StudyError, match="allows 3 seeds now"):
            own.plan("0-0-1", TUNED, 4, tuned=True)
        with pytest.raises(StudyError, match="no look is left"):
            own.record_look(0.001, decided=True)
    view = read_confirmation(begun)
    assert [(look.seeds, look.p_value, look.decided) for look in view.looks] == [
        (2, 0.3, False),
        (3, 0.001, True),
    ]
    assert view.finished


def test_a_rule_comes_before_the_first_run_and_once(begun: Path, tmp_path: Path) -> None:
    with Confirmation.open(begun) as own:
        with pytest.raises(StudyError, match="was planned before; a rule comes before"):
            own.set_rule("0-0-1", **RULE)
        own.set_rule("5-0-0", **RULE)  # of a later incumbent
        own.plan("5-0-0", {"learning_rate": 0.5}, 2, tuned=True)
        assert own.next_look == 2
        work(own)
        own.record_look(0.5, decided=False)
    assert [look.seeds for look in read_confirmation(begun).looks] == [2]


@pytest.mark.parametrize(
    ("event", "message"),
    [
        (RULE | {"event": "rule", "format": 6, "setting": "0-0-1"}, "was planned before its rule"),
        (RULE | {"event": "rule", "format": 6, "setting": "x", "looks": [3, 3]}, "ascending"),
        (RULE | {"event": "rule", "format": 6, "setting": "x", "alpha": 1}, "below 1"),
        (
            {"event": "plan", "setting": "0-0-1", "config": TUNED, "seeds": 3, "tuned": True},
            "allows 2 seeds now",
        ),
        (
            {
                **{"event": "look", "format": 6, "setting": "0-0-1", "seeds": 2},
                **{"p_value": 0.5, "decided": False},
            },
            "before all runs with 2 seeds",
        ),
    ],
)
def test_a_journal_that_looks_too_often_is_corrupt(
    begun: Path, event: dict[str, Any], message: str
) -> None:
    with (begun / CONFIRMATION_NAME).open("ab") as file:
        file.write(sealed({**event, "time": 1.0}))
    with pytest.raises(CorruptJournal, match=message):
        read_confirmation(begun)


def test_a_look_that_is_not_next_is_corrupt(begun: Path) -> None:
    with Confirmation.open(begun) as own:
        work(own)
    look = {"event": "look", "format": 6, "setting": "0-0-1", "p_value": 0.5, "decided": False}
    with (begun / CONFIRMATION_NAME).open("ab") as file:
        file.write(sealed({**look, "seeds": 1, "time": 1.0}))
    with pytest.raises(CorruptJournal, match="the next is at 2"):
        read_confirmation(begun)


def test_a_sequential_confirmation_of_format_6_is_read(tmp_path: Path) -> None:
    """One look of two, decided by the second; a retry, a crash, one run pending."""
    old = JOURNALS / "sequential-format-6.jsonl"
    shutil.copy(old, tmp_path / CONFIRMATION_NAME)
    view = read_confirmation(tmp_path)
    assert (len(view.evaluations), len(view.pending)) == (5, 1)
    assert [(look.seeds, look.decided) for look in view.looks] == [(2, False)]
    assert view.next_look == 3
    with Confirmation.open(tmp_path) as own:
        assert (tmp_path / CONFIRMATION_NAME).read_bytes() == old.read_bytes()
        own.tell(own.pending[0], TrialResult(0.5))
        own.record_look(0.01, decided=True)
        assert own.finished
