"""What a study's extensions change in its specification, and how they are said."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from oneshot_hpo.experiments.study.specification import StudySpec
from oneshot_hpo.experiments.study.stop_section import STOP
from oneshot_hpo.experiments.study.validation import validated
from oneshot_hpo.experiments.wording import counted
from oneshot_hpo.hpo import Extension, StudyView


def extended(spec: StudySpec, extensions: Sequence[Extension], origin: str) -> StudySpec:
    """A specification with extensions: more iterations, a larger budget, other stop rules.

    StudyFileError, which begins with `origin`: a study file could not have these values.
    """
    if not extensions:
        return spec
    document = spec.model_dump()
    changes: dict[str, Any] = {
        "iterations": spec.iterations + sum(one.iterations for one in extensions)
    }
    for one in extensions:
        if one.max_budget is not None:
            changes["max_budget"] = one.max_budget
        if one.stop:
            changes[STOP] = one.stop
    return validated(document | changes, origin)


def words(extension: Extension) -> str:
    """An extension in a few words."""
    parts = []
    if extension.iterations:
        parts.append(f"{counted(extension.iterations, 'bracket')} more")
    if extension.max_budget is not None:
        parts.append(f"a rung of {counted(extension.max_budget, 'epoch')} on top")
    if extension.stop:
        rules = {rule: value for rule, value in extension.stop.items() if value is not None}
        each = ", ".join(f"{rule} {value}" for rule, value in rules.items())
        parts.append(f"stop: {each or 'no rule'}")
    if extension.add:
        parts.append(f"{counted(len(extension.add), 'configuration')} of the user's")
    if extension.drop:
        parts.append(f"{counted(len(extension.drop), 'trial')} dropped")
    return ", ".join(parts)


def difference(before: StudyView, extension: Extension, workers: int) -> str:
    """How an extended study relates to one that had that length from the start, in a sentence.

    before: the study before the extension. Empty for an extension after which nothing more runs.
    """
    iterations = before.settings.iterations + extension.iterations
    started = before.started_brackets
    earlier = [one.extension for one in before.extensions]
    if extension.max_budget is not None and started:
        return (
            f"A study launched with max_budget {extension.max_budget} would differ: its brackets "
            "would have started with more configurations."
        )
    if not all(is_longer_only(one) for one in (*earlier, extension)):
        return ""
    was_stopped = before.stop_reached is not None
    if not extension.iterations and not (extension.stop and was_stopped):
        return ""
    longer = "that was not stopped"
    if extension.iterations:
        longer = f"launched with iterations {iterations}"
    if workers > 1 and (earlier or was_stopped or started == before.settings.iterations):
        return (
            f"A study {longer} may differ: of its {workers} workers some would "
            "have begun another trial where these waited for the last one."
        )
    own = "1 worker" if workers == 1 else f"{workers} workers and results in the same order"
    return f"With {own} it equals a study {longer}."


def is_longer_only(extension: Extension) -> bool:
    """Whether it changes no decision that the study would make without it."""
    return extension.max_budget is None and not extension.add and not extension.drop
