"""A trial that is a program of the user's: its result as an outcome, its endings as a task's."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from oneshot_hpo.cluster.stopping import TaskStopped
from oneshot_hpo.cluster.task import TaskFailed, TaskLost
from oneshot_hpo.experiments.objectives.objective import ObjectiveStopped
from oneshot_hpo.experiments.objectives.table_outcome import table_outcome
from oneshot_hpo.experiments.study.trial import TrialTask, run_trial
from oneshot_hpo.search_spaces import get_space
from oneshot_hpo.searchers.command import Command

SPACE = get_space(1)
FOUND = SPACE.sample(np.random.default_rng(0))
DOCUMENT = SPACE.to_document(FOUND)
ERRORS = {"validation_error": 3.5, "test_error": -2}


def task(folder: Path, text: str, **options: Any) -> TrialTask:
    """A trial that runs this Python text; its arguments are the folder and the rate."""
    given = {"lost_exit_codes": (75,), "environment": dict(os.environ)}
    literally = text.replace("{", "{{").replace("}", "}}")
    words = (sys.executable, "-c", literally, "{folder}", "{rate}")
    command = Command(words=words, folder=str(folder), **given)
    keys = {"space": None, "dataset": None, "table": None, "settings": {}} | options
    return TrialTask(
        searcher="command",
        command=command,
        config={"rate": 0.5},
        budget=1.6,
        seed=3,
        folder=folder / "trial",
        **keys,
    )


def writes(document: Any) -> str:
    text = document if isinstance(document, str) else json.dumps(document)
    return f"import sys, pathlib; pathlib.Path(sys.argv[1], 'result.json').write_text({text!r})"


def test_errors_are_the_outcome_without_regret_and_percentile(tmp_path: Path) -> None:
    result = run_trial(task(tmp_path, writes(ERRORS)))
    assert result["loss"] == 3.5
    assert result["info"] == {"state": "SUCCESS", "valid_error": 3.5, "test_error": -2.0}
    assert result["exception"] is None
    assert result["timestamps"]["search_seconds"] > 0
    assert run_trial(task(tmp_path, "raise SystemExit(1)")) == result  # it is not run again


def test_an_architecture_is_looked_up_in_the_table(tmp_path: Path) -> None:
    text = writes({"architecture": DOCUMENT})
    result = run_trial(task(tmp_path, text, space=1, table="digits", dataset="digits"))
    expected = table_outcome("digits", SPACE, FOUND)
    assert result["loss"] == expected.loss
    assert result["info"] == expected.to_info()


def test_an_architecture_with_errors_keeps_them(tmp_path: Path) -> None:
    result = run_trial(task(tmp_path, writes({"architecture": DOCUMENT} | ERRORS), space=1))
    assert result["loss"] == 3.5
    assert result["info"]["architecture"] == DOCUMENT
    assert result["info"]["module_hash"] == SPACE.key(FOUND)
    assert "test_regret" not in result["info"]


def test_an_error_that_is_not_finite_is_a_crash(tmp_path: Path) -> None:
    result = run_trial(task(tmp_path, writes('{"validation_error": NaN, "test_error": 1}')))
    assert result["loss"] is None
    assert result["exception"] == (
        "SearchDiverged: the search diverged in epoch 2: the validation_error in result.json is nan"
    )


@pytest.mark.parametrize(
    ("document", "options", "words"),
    [
        ({"architecture": DOCUMENT}, {}, "but the study file names no space"),
        ({"architecture": DOCUMENT}, {"space": 1}, "has no validation_error, and the study has no"),
        ({"architecture": {"ops": 1}}, {"space": 1, "table": "digits"}, "architecture is none of"),
        (ERRORS, {"space": 1, "table": "digits", "objective": "draw"}, "has no architecture"),
    ],
)
def test_a_result_that_does_not_fit_the_study_fails_in_one_line(
    document: Any, options: dict[str, Any], words: str, tmp_path: Path
) -> None:
    with pytest.raises(TaskFailed, match=words) as caught:
        run_trial(task(tmp_path, writes(document), **options))
    assert "\n" not in str(caught.value)


def test_a_command_is_not_run_again_for_an_objective_that_was_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = {"space": 1, "table": "digits", "dataset": "digits", "objective": "draw"}
    with monkeypatch.context() as stopping:

        def stop(*_: object) -> None:
            raise ObjectiveStopped("after epoch 1")

        stopping.setattr("oneshot_hpo.experiments.study.command_trial.evaluated", stop)
        with pytest.raises(TaskStopped, match="after epoch 1"):
            run_trial(task(tmp_path, writes({"architecture": DOCUMENT}), **options))
    result = run_trial(task(tmp_path, "raise SystemExit(1)", **options))
    assert result["info"]["architecture"] == DOCUMENT


def test_exit_codes_decide_whether_it_failed_or_is_lost(tmp_path: Path) -> None:
    with pytest.raises(TaskLost, match="exit code 75"):
        run_trial(task(tmp_path, "raise SystemExit(75)"))
    with pytest.raises(TaskFailed, match="CommandFailed: the command ended with exit code 1"):
        run_trial(task(tmp_path, "raise SystemExit(1)"))
