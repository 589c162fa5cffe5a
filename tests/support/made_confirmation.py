"""Studies with confirmations whose results a test makes up."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from support.scripted_study import Loss, work

from oneshot_hpo.experiments.study.completion import complete, freeze
from oneshot_hpo.experiments.study.folder import create_study
from oneshot_hpo.experiments.study.validation import load_study
from oneshot_hpo.hpo import Confirmation, TrialResult

SECONDS = 36.0
"""Duration of every run of a confirmation."""


def made_confirmation(
    folder: Path,
    study_file: Path,
    tuned: Sequence[float],
    default: Sequence[float],
    *settings: str,
    evaluations: int = 6,
    loss: Loss = lambda trial: 0.05 if trial.id[0] < 0 else 0.04,
    info: Mapping[str, Any] | None = None,
) -> str:
    """A study of the tiny kind, confirmed with these test regrets; an infinite one is a crash.

    loss: of the study's trials. info: added to each result of the confirmation. The folder is
    returned as a source.
    """
    spec = freeze(complete(load_study(str(study_file), settings), "tiny"))
    study = create_study(folder, spec)
    with study:
        work(study, loss, evaluations)
    assert study.incumbent is not None
    name = study.incumbent[0].key.split("/")[0]
    with Confirmation.create(
        folder / "confirm", header=study.header, seed=spec.seed, budget=spec.max_budget
    ) as confirmation:
        confirmation.plan("default", {"learning_rate": 0.025}, len(default))
        confirmation.plan(name, study.incumbent[0].config, len(tuned), tuned=True)
        values = {"default": default, name: tuned}
        while (run := confirmation.ask()) is not None:
            regret = values[run.setting][run.number]
            times = {"search_seconds": SECONDS}
            if math.isinf(regret):
                result = TrialResult(None, exception="SearchDiverged: far", timestamps=times)
            else:
                known = {"test_regret": regret, **(info or {})}
                result = TrialResult(regret, known, timestamps=times)
            confirmation.tell(run, result)
    return str(folder)
