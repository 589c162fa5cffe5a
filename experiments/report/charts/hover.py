"""What is said of a trial when the pointer is on it."""

from __future__ import annotations

from collections.abc import Iterable

from oneshot_hpo.experiments.numbers.sources import StudySource
from oneshot_hpo.experiments.pages.chart import plain
from oneshot_hpo.experiments.report.journaled import title
from oneshot_hpo.experiments.wording import number, percent
from oneshot_hpo.hpo import Trial, TrialResult

_SHOWN = {
    "validation error": "valid_error",
    "test error": "test_error",
    "test regret": "test_regret",
}


def of_trial(trial: Trial, result: TrialResult | None) -> str:
    """Its name, what came out, and its configuration, a line each."""
    lines = [f"<b>{title(trial)}</b>"]
    if result is None:
        lines.append("not ended yet")
    elif result.crashed:
        lines.append(f"crashed: {plain(_short(str(result.exception)))}")
    else:
        lines += [
            f"{words} {percent(result.info[key])}"
            for words, key in _SHOWN.items()
            if key in result.info
        ]
    lines += [f"{plain(name)} {plain(number(value))}" for name, value in trial.config.items()]
    return "<br>".join(lines)


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:59]}…"


def noted(caption: str, notes: Iterable[str], study: StudySource) -> str:
    """A caption with notes, a sentence each."""
    return " ".join([caption, *(sentence(note, study) for note in notes)])


def sentence(note: str, study: StudySource) -> str:
    """A note or the message of an error."""
    words = note.removeprefix(f"{study.source}: ")
    return f"{words[:1].upper()}{words[1:]}."
