"""A study as pandas frames: its trials, and their epochs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from oneshot_hpo.experiments.study.outcome import Outcome
from oneshot_hpo.hpo import Trial, TrialResult
from oneshot_hpo.searchers.diagnosis import NUMBERS, numbers

if TYPE_CHECKING:
    from oneshot_hpo.experiments.study.opened import OpenedStudy

_TIMES = ("submitted", "started", "finished")
_TRIAL = ("id", "bracket", "rung", "budget", "seed", "state", "attempts", "model_based")
_OUTCOME = {
    "loss": "loss",
    "valid_error": "valid",
    "test_error": "test",
    "valid_regret": "valid_regret",
    "regret": "regret",
    "percentile": "percentile",
    "one_shot_error": "one_shot",
    "seconds": "seconds",
    "compare_seconds": "compare_seconds",
    "parameters": "parameters",
    "macs": "macs",
    "training_seconds": "training_seconds",
    "peak_memory": "peak_memory",
    "objective_seconds": "objective_seconds",
}
_LAST = ("undecided", "architecture", "exception")
_EPOCH = (
    *("epoch", "train_loss", "train_error", "valid_loss", "valid_error", "learning_rate"),
    *("seconds", "measured", "compare_seconds", "architecture", "cell", *NUMBERS),
)
_WHOLE = {"rung": "Int64", "model_based": "boolean"}
"""Types of columns in which a value may be missing."""


def trials_frame(study: OpenedStudy) -> pd.DataFrame:
    """One row per trial, in the order of ask.

    id: the configuration, "0-0-3" (bracket, rung of its first trial, number there), "baseline" for
        the default configuration, which is in no bracket.
    bracket, rung: from 0; -1 and missing for the default configuration.
    budget: epochs. seed: of the search. attempts: 1 if no worker was lost.
    state: "finished", "crashed", "running", or "interrupted" (it runs again on resume).
    model_based: whether the model proposed the configuration; False if it was drawn at random.
    config.NAME: each hyperparameter; missing where it is inactive.
    loss: what the optimizer minimised. valid_error, test_error: of the cell found, trained on its
        own, in [0, 1]. valid_regret, regret: validation and test error above the best of the space.
    percentile: cells with a higher test error, in percent. one_shot_error: validation error of the
        cell found, or of the mixture, in the supernet. All of these are missing for a trial without
        a result; without a table regrets and percentile are missing.
    seconds: search time of one worker, over all attempts. compare_seconds: the part of it that
        comparing cells took, missing where none were compared. objective_seconds: of the
        objective's own trainings.
    parameters, macs, training_seconds: of the cell's own network, the time in the table.
        peak_memory: most bytes of the GPU that the search used. Missing where they are not known.
    undecided: whether the search's choices ended within noise of uniform (`Diagnosis.undecided`).
    submitted, started, finished: times in UTC, missing where unknown.
    architecture: hash of the cell found. exception: why the search crashed.

    The journal does not name workers, so there is no column for them.
    """
    names = [f"config.{name}" for name in study.view.space]
    columns = [*_TRIAL, *names, *_OUTCOME, *_TIMES, *_LAST]
    rungs = {
        (bracket.iteration, rung.budget): place
        for bracket in study.view.brackets
        for place, rung in enumerate(bracket.rungs)
    }
    rows = [_trial_row(study, rungs, trial, result) for trial, result in study.trials]

    frame = pd.DataFrame(rows, columns=columns).astype(_WHOLE)
    for name in _TIMES:
        frame[name] = pd.to_datetime(frame[name].astype(float), unit="s", utc=True)
    return frame.astype(dict.fromkeys(_OUTCOME, float))


def epochs_frame(study: OpenedStudy) -> pd.DataFrame:
    """One row per finished epoch of each trial; trials in the order of ask.

    id, bracket, budget, seed: of the trial, as in `trials_frame`.
    epoch: from 1. train_loss, train_error: over the epoch's own steps. valid_loss, valid_error: of
        the supernet on its validation images at the end of the epoch (one-shot error).
    learning_rate: of the weights. seconds: that the epoch took.
    measured: what the valid_ columns are of: "mixture", "drawn cell" or "found cell"; missing in
        epochs of an earlier version.
    compare_seconds: the part of seconds that comparing cells took.
    architecture: the document of the architecture that the search would end with now, missing where
        the searcher has not compared architectures after this epoch. cell: its key.
    Then the numbers of `searchers.diagnosis.NUMBERS`, missing in records of earlier versions.

    UserError: a file of epochs is damaged.
    """
    rows = [
        _place(study, trial)
        | record
        | {"seconds": record.get("time"), "cell": (record.get("diagnosis") or {}).get("cell")}
        | numbers(record)
        for trial, _ in study.trials
        for record in study.epochs(trial)
    ]
    return pd.DataFrame(rows, columns=["id", "bracket", "budget", "seed", *_EPOCH])


def _trial_row(
    study: OpenedStudy,
    rungs: dict[tuple[int, int | float], int],
    trial: Trial,
    result: TrialResult | None,
) -> dict[str, Any]:
    outcome = Outcome.from_result(result)
    return {
        **_place(study, trial),
        "rung": rungs.get((study.view.bracket_of(trial), trial.budget)),
        "state": study.trial_state(result),
        "attempts": trial.attempt + 1,
        "model_based": study.view.record(trial).info.get("model_based_pick"),
        **{f"config.{name}": value for name, value in trial.config.items()},
        **{column: getattr(outcome, field) for column, field in _OUTCOME.items()},
        **study.trial_times(trial, result),
        "undecided": outcome.undecided,
        "architecture": outcome.key,
        "exception": None if result is None else result.exception,
    }


def _place(study: OpenedStudy, trial: Trial) -> dict[str, Any]:
    return {
        "id": trial.key.split("/")[0],
        "bracket": study.view.bracket_of(trial),
        "budget": trial.budget,
        "seed": trial.seed,
    }
