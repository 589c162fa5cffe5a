"""Texts of trials under the mouse pointer, and notes as sentences."""

from __future__ import annotations

from collections.abc import Iterable

from oneshot_hpo.experiments.pages.chart import plain
from oneshot_hpo.experiments.report.naming import title
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.experiments.study.outcome import Outcome
from oneshot_hpo.experiments.wording import number, percent
from oneshot_hpo.hpo import Trial, TrialResult

_SHOWN = {
    "validation error": "valid",
    "test error": "test",
    "test regret": "regret",
}


def of_trial(trial: Trial, result: TrialResult | None) -> str:
    """The text of a trial: its name, result and configuration, a line each."""
    lines = [f"<b>{title(trial)}</b>"]
    if result is None:
        lines.append("not finished yet")
    elif result.crashed:
        lines.append(f"crashed: {plain(_short(str(result.exception)))}")
    else:
        outcome = Outcome.from_result(result)
        values = {words: getattr(outcome, field) for words, field in _SHOWN.items()}
        lines += [
            f"{words} {percent(value)}" for words, value in values.items() if value is not None
        ]
    lines += [f"{plain(name)} {plain(number(value))}" for name, value in trial.config.items()]
    return "<br>".join(lines)


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:59]}…"


def noted(caption: str, notes: Iterable[str], study: OpenedStudy) -> str:
    """A caption followed by notes, a sentence each."""
    return " ".join([caption, *(sentence(note, study) for note in notes)])


def sentence(note: str, study: OpenedStudy) -> str:
    """A note, or the message of an error, as a sentence."""
    words = note.removeprefix(f"{study.source}: ")
    return f"{words[:1].upper()}{words[1:]}."
