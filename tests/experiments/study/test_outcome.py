"""What is known of a found architecture, and how a journal holds it."""

import json

import pytest

from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.experiments.objectives.table_outcome import table_outcome
from oneshot_hpo.experiments.study.outcome import CRASHED, Outcome
from oneshot_hpo.hpo import TrialResult
from oneshot_hpo.search_spaces import get_space

ARCHITECTURE = get_space(1).from_document(
    {
        "parents": [[0], [0, 1], [0, 2], [1, 2], [1, 4]],
        "operations": ["conv3x3-bn-relu", "maxpool3x3", "conv3x3-bn-relu", "conv1x1-bn-relu"],
    }
)
JOURNALED = [
    *("state", "valid_error", "test_error", "valid_regret", "test_regret", "percentile"),
    *("architecture", "module_hash"),
]


def test_a_journal_holds_what_is_known_in_an_order_that_never_changes() -> None:
    found = table_outcome("digits", get_space(1), ARCHITECTURE)
    assert list(found.to_info()) == JOURNALED
    whole = Outcome(one_shot=0.5, transfer=True, drawn_repeat=0, valid=0.25)
    assert json.dumps(whole.to_info()) == (
        '{"state": "SUCCESS", "valid_error": 0.25, "one_shot_error": 0.5, "transfer": true, '
        '"drawn_repeat": 0}'
    )


def test_a_journaled_outcome_is_read_as_it_was() -> None:
    found = table_outcome("digits", get_space(1), ARCHITECTURE)
    info = json.loads(json.dumps(found.to_info()))
    read = Outcome.from_result(TrialResult(found.loss, info, None, {"search_seconds": 8.0}))
    assert read.seconds == 8
    assert read.architecture(get_space(1)) == ARCHITECTURE
    assert read.to_info() == found.to_info()
    assert (read.loss, read.regret, read.key) == (found.loss, found.regret, found.key)


def test_results_on_imputed_values_are_marked() -> None:
    assert not table_outcome("digits", get_space(1), ARCHITECTURE).imputed
    flagged = Outcome(valid=0.25, imputed=True).to_info()
    assert flagged == {"state": "SUCCESS", "valid_error": 0.25, "imputed": True}
    assert Outcome.from_result(TrialResult(0.25, flagged)).imputed


def test_a_crash_and_a_trial_that_runs_have_no_architecture() -> None:
    assert Outcome.from_result(None) == Outcome()
    crash = TrialResult(None, CRASHED, "SearchDiverged: too far", {"search_seconds": 1.5})
    assert Outcome.from_result(crash) == Outcome(seconds=1.5)


@pytest.mark.parametrize("value", [None, "0.5", True, float("nan"), 10**400, [0.5]])
def test_a_value_that_is_not_a_number_in_a_damaged_journal_is_one_line(value: object) -> None:
    outcome = Outcome.from_result(TrialResult(0.5, {"test_regret": value}))
    assert outcome.regret is None
    with pytest.raises(UserError, match=r"^journal.jsonl cannot be used: .* for test_regret$"):
        outcome.reported("regret")
    with pytest.raises(UserError, match=r"^confirmation.jsonl cannot be used"):
        outcome.reported("regret", "confirmation.jsonl")


@pytest.mark.parametrize("document", [None, "cell", {}, {"parents": 1, "operations": []}])
def test_an_architecture_that_cannot_be_read_is_one_line(document: object) -> None:
    outcome = Outcome.from_result(TrialResult(0.5, {"architecture": document}))
    with pytest.raises(UserError, match=r"^journal.jsonl cannot be used: a result has"):
        outcome.architecture(get_space(1))
