"""The kinds of a study's events: keys, effect on the state, and the optimizer's decisions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oneshot_hpo.hpo.errors import InvalidEvent
from oneshot_hpo.hpo.extension import DROPPED
from oneshot_hpo.hpo.journal.events import (
    BUDGET,
    BUDGET_OR_NULL,
    COUNT,
    LOSS,
    NOTE,
    OBJECT,
    OBJECTS,
    OBSERVATIONS,
    TEXT,
    TEXT_OR_NULL,
    TIMES,
    TRIAL_ID,
    TRIALS,
    Event,
    EventKind,
    Kinds,
    exactly,
)
from oneshot_hpo.hpo.study_state import StudyState

if TYPE_CHECKING:
    from oneshot_hpo.hpo.bohb.master import BOHBMaster


def _replay_ask(master: BOHBMaster, state: StudyState, event: Event) -> None:
    run = master.next_run(event["seq"], logged=(event["config"], event["info"]))
    if run is None:
        raise InvalidEvent("no trial can start here")
    for key, expected in (
        ("id", list(run.id)),
        ("budget", run.budget),
        ("config", run.config),
        ("info", run.info),
    ):
        if event[key] != expected:
            raise InvalidEvent(f"{key} is {event[key]}, expected {expected}")


def _replay_tell(master: BOHBMaster, state: StudyState, event: Event) -> None:
    trial = state.trials[tuple(event["id"]), event["budget"]]
    master.tell(
        event["seq"],
        trial.id,
        trial.config,
        trial.budget,
        loss=event["loss"],
        exception=event["exception"],
        timestamps=event["timestamps"],
    )


def _replay_crash_retried(master: BOHBMaster, state: StudyState, event: Event) -> None:
    trial = state.trials[tuple(event["id"]), event["budget"]]
    master.retry_crash(event["seq"], trial.id, trial.config, trial.budget)


def _replay_extension(master: BOHBMaster, state: StudyState, event: Event) -> None:
    for dropped in event["drop"]:
        trial = state.trials[tuple(dropped["id"]), dropped["budget"]]
        master.tell(
            state.seq,
            trial.id,
            trial.config,
            trial.budget,
            loss=None,
            exception=DROPPED,
            timestamps={},
        )
    master.extend(state.plan, event["add"])


def _replay_replicate(master: BOHBMaster, state: StudyState, event: Event) -> None:
    """Tell the model the mean of a configuration's losses, where the settings say so."""
    replicate, result = state.replicates[-1]
    if master.settings.replicates != "model" or result.loss is None:
        return
    key = replicate.id, replicate.budget
    first = next(one for trial, one in state.evaluations if (trial.id, trial.budget) == key)
    assert first.loss is not None
    losses = state.losses_of(state.trials[key], first.loss)
    master.replace_loss(state.seq, replicate.config, replicate.budget, losses)


CRASH_RETRIED = "crash retried"
EXTENSION = "extension"
STOP_REACHED = "stop rule reached"
REPLICATE = "replicate"
REPLICATE_TOLD = "replicate told"

EVENTS: Kinds = {
    "header": EventKind(
        {
            "format": COUNT,
            "study": OBJECT,
            "optimizer": OBJECT,
            "space": OBJECT,
            "prior": OBSERVATIONS,
        }
    ),
    "ask": EventKind(
        {"seq": COUNT, "id": TRIAL_ID, "budget": BUDGET, "config": OBJECT, "info": OBJECT},
        StudyState.ask,
        _replay_ask,
    ),
    "tell": EventKind(
        {
            "seq": COUNT,
            "id": TRIAL_ID,
            "budget": BUDGET,
            "loss": LOSS,
            "info": OBJECT,
            "exception": TEXT_OR_NULL,
            "timestamps": TIMES,
        },
        StudyState.tell,
        _replay_tell,
    ),
    "retry": EventKind(
        {"id": TRIAL_ID, "budget": BUDGET, "attempt": COUNT, "reason": TEXT}, StudyState.retry
    ),
    "note": NOTE,
    CRASH_RETRIED: EventKind(
        {"format": exactly(4), "seq": COUNT, "id": TRIAL_ID, "budget": BUDGET},
        StudyState.retry_crash,
        _replay_crash_retried,
        since=4,
    ),
    EXTENSION: EventKind(
        {
            "format": exactly(6),
            "iterations": COUNT,
            "max_budget": BUDGET_OR_NULL,
            "stop": OBJECT,
            "add": OBJECTS,
            "drop": TRIALS,
        },
        StudyState.extend,
        _replay_extension,
        since=6,
    ),
    STOP_REACHED: EventKind(
        {"format": exactly(6), "rule": TEXT, "reason": TEXT}, StudyState.reach_stop, since=6
    ),
    REPLICATE: EventKind(
        {"format": exactly(6), "id": TRIAL_ID, "budget": BUDGET, "number": COUNT},
        StudyState.replicate,
        since=6,
    ),
    REPLICATE_TOLD: EventKind(
        {
            "format": exactly(6),
            "id": TRIAL_ID,
            "budget": BUDGET,
            "number": COUNT,
            "loss": LOSS,
            "info": OBJECT,
            "exception": TEXT_OR_NULL,
            "timestamps": TIMES,
        },
        StudyState.tell_replicate,
        _replay_replicate,
        since=6,
    ),
}
"""Kinds of a study's events. In a journal, each event also has its `time` (seconds since 1970)."""
