"""The numbers of a trial for tools that draw them: each epoch's, and those of the cell found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from oneshot_hpo.experiments.study.outcome import Outcome
from oneshot_hpo.searchers.diagnosis import NUMBERS, numbers
from oneshot_hpo.searchers.records import DRAWN

EPOCH_TAGS = {
    "one_shot/valid_error": "valid_error",
    "one_shot/valid_loss": "valid_loss",
    "train/error": "train_error",
    "train/loss": "train_loss",
    "learning_rate": "learning_rate",
}
"""Scalars of each epoch, and their names in its record."""

DRAWN_TAGS = {
    "one_shot/valid_error": "drawn_cell/valid_error",
    "one_shot/valid_loss": "drawn_cell/valid_loss",
}
"""Tags instead of these for epochs in which a drawn cell was measured, not the search's own."""

DIAGNOSIS_TAGS = {f"search/{name}": name for name in NUMBERS}
"""Scalars of each epoch that a diagnosis has, with their names in it."""

FINAL_TAGS = {
    "table/valid_error": "valid",
    "table/test_error": "test",
    "table/test_regret": "regret",
    "cell/parameters": "parameters",
    "cell/macs": "macs",
    "cell/training_seconds": "training_seconds",
}
"""Scalars of a finished trial, by the fields of its `Outcome`."""


def epoch_scalars(record: Mapping[str, Any]) -> dict[str, float]:
    """The values of an epoch's record by tag; a command records what it likes of them."""
    other = DRAWN_TAGS if record.get("measured") == DRAWN else {}
    values = {other.get(tag, tag): record.get(key) for tag, key in EPOCH_TAGS.items()}
    known = {tag: value for tag, value in values.items() if value is not None}
    return known | _diagnosis(record)


def final_scalars(outcome: Outcome) -> dict[str, float]:
    """What is known of the cell that a trial found, by tag."""
    values = {tag: getattr(outcome, field) for tag, field in FINAL_TAGS.items()}
    return {tag: value for tag, value in values.items() if value is not None}


def _diagnosis(record: Mapping[str, Any]) -> dict[str, float]:
    """The values of a record's diagnosis by tag, and the largest probability of each choice."""
    found = numbers(record)
    known = {tag: found[key] for tag, key in DIAGNOSIS_TAGS.items()}
    choices = (record.get("diagnosis") or {}).get("choices", {})
    largest = {f"choices/{name}": state["largest"] for name, state in choices.items()}
    return {tag: value for tag, value in known.items() if value is not None} | largest
