"""Exports a study in the format of HpBandSter's logger (json_result_logger).

configspace.json is ConfigSpace's own JSON. configs.json has `[id, config, info]` per line,
results.json `[id, budget, timestamps, result, exception]` per line, in the order in which trials
finished. The default configuration has our own id, [-1, 0, 0]. Prior results of a warm-started
study come first, as in HpBandSter itself, with ids [-2, 0, number].
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from oneshot_hpo.experiments.exports.evaluations import info_of, prior_trials, times_of
from oneshot_hpo.experiments.exports.space_file import SPACE, write_space
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.experiments.study.outcome import SECONDS, SUCCESS, search_seconds
from oneshot_hpo.hpo import TrialResult
from oneshot_hpo.hpo.trial import TrialId

CONFIGS, RESULTS = "configs.json", "results.json"


def write(study: OpenedStudy, folder: Path, configspace: str = "1") -> None:
    """Write the three files; the result of a crash is null, as in HpBandSter.

    configspace: the version of ConfigSpace that will read the space, one of FORMS.
    """
    write_run(study, folder, configspace, crash=None)


def write_run(
    study: OpenedStudy, folder: Path, configspace: str, *, crash: dict[str, Any] | None
) -> None:
    """Like `write`, with `crash` as the result of each trial that crashed."""
    write_space(study.view.space, folder / SPACE, configspace)
    configs: dict[TrialId, list[Any]] = {}
    for trial, _ in [*prior_trials(study), *study.trials]:
        # A promoted configuration keeps its id, and the info of its first trial.
        configs.setdefault(trial.id, [trial.id, trial.config, info_of(study, trial)])
    _write_lines(folder / CONFIGS, list(configs.values()))
    results = [
        [
            trial.id,
            trial.budget,
            times_of(study, trial, result),
            crash if result.crashed else {"loss": result.loss, "info": _info(result)},
            result.exception,
        ]
        for trial, result in [*prior_trials(study), *study.view.evaluations]
    ]
    _write_lines(folder / RESULTS, results)


def _info(result: TrialResult) -> dict[str, Any]:
    """A trial's info with its duration, which HpBandSter would misread among the timestamps."""
    return SUCCESS | result.info | {SECONDS: search_seconds(result)}


def _write_lines(path: Path, rows: list[Any]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
