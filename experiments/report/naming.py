"""Names of trials in the page, and their anchors."""

from __future__ import annotations

from oneshot_hpo.experiments.pages.values import epochs
from oneshot_hpo.hpo import BASELINE_ID, Trial


def name(trial: Trial) -> str:
    """A configuration's name: "default", or its id as in the journal and the folder of trials."""
    return "default" if trial.id == BASELINE_ID else "-".join(map(str, trial.id))


def anchor(trial: Trial) -> str:
    """The anchor of a trial's row in the page."""
    return f"trial-{trial.key.replace('/', '-')}"


def title(trial: Trial) -> str:
    """A trial in words."""
    return f"{name(trial)} at {epochs(trial.budget)}"
