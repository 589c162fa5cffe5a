"""A study as HpBandSter's logger (json_result_logger) would have written it.

configspace.json, ConfigSpace's own JSON; configs.json, `[id, config, info]` a line; results.json,
`[id, budget, timestamps, result, exception]` a line, in the order in which trials ended. The
default configuration has our own id, [-1, 0, 0].
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from experiments.exports.evaluations import ExportedStudy
from hpo import TrialResult
from hpo.trial import TrialId

SPACE, CONFIGS, RESULTS = "configspace.json", "configs.json", "results.json"


def write(study: ExportedStudy, folder: Path) -> None:
    """Write the three files; the result of a crash is null, as in HpBandSter."""
    write_run(study, folder, crash=None)


def write_run(study: ExportedStudy, folder: Path, *, crash: dict[str, Any] | None) -> None:
    """The same with `crash` for the result of each trial that crashed."""
    view = study.view
    view.space.to_json(folder / SPACE)
    configs: dict[TrialId, list[Any]] = {}
    for trial, _ in study.trials:
        # A promoted configuration keeps its id: what counts is how it was found at first.
        configs.setdefault(trial.id, [trial.id, trial.config, view.record(trial).info])
    _write_lines(folder / CONFIGS, list(configs.values()))
    results = [
        [
            trial.id,
            trial.budget,
            study.times(trial, result),
            crash if result.crashed else {"loss": result.loss, "info": _info(result)},
            result.exception,
        ]
        for trial, result in view.evaluations
    ]
    _write_lines(folder / RESULTS, results)


def _info(result: TrialResult) -> dict[str, Any]:
    """What a trial reported; HpBandSter would take the duration among the times for a time."""
    seconds = result.timestamps.get("search_seconds")
    return {"state": "SUCCESS"} | result.info | {"search_seconds": seconds}


def _write_lines(path: Path, rows: list[Any]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
