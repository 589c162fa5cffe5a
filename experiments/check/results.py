"""Checks that results are possible and agree with the table."""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from oneshot_hpo.experiments.check.findings import Report
from oneshot_hpo.experiments.objectives.section import DRAW, MEAN, TEST_MEAN, chosen
from oneshot_hpo.experiments.objectives.table_outcome import table_outcome, valid_repeats
from oneshot_hpo.experiments.study.outcome import KEYS, Outcome
from oneshot_hpo.experiments.study.specification import StudySpec
from oneshot_hpo.experiments.study.trial import RESULT
from oneshot_hpo.hpo import Rerun, Trial, TrialResult
from oneshot_hpo.search_spaces import get_space, load_table
from oneshot_hpo.search_spaces.table import SINGLE_PRECISION

_SHARES = [KEYS[field] for field in ("valid", "test", "one_shot")]
_REGRETS = [KEYS[field] for field in ("valid_regret", "regret")]
_PERCENTILE, _TRANSFER = KEYS["percentile"], KEYS["transfer"]
_ROUNDING = 1e-9
_table = functools.lru_cache(maxsize=2)(load_table)

Evaluations = Iterable[tuple[Trial | Rerun, TrialResult]]


def check_results(
    report: Report, folder: Path, evaluations: Evaluations, spec: StudySpec | None
) -> None:
    """Check the results of the study or confirmation in `folder`.

    spec: None for a study that does not name its table.
    """
    compared = 0
    for trial, result in evaluations:
        where = f"{folder}, {trial.key}"
        if result.crashed:
            continue
        for words in _impossible(result):
            report.add(f"{where}: {words}")
        if spec is not None and KEYS["document"] in result.info:
            compared += 1
            for words in _otherwise(result, spec):
                report.add(f"{where}: {words}")
        _check_file(report, folder / "trials" / trial.key / RESULT, result)
    if compared:
        report.checked.append(f"{compared} results compared with the table")


def _impossible(result: TrialResult) -> list[str]:
    values = {"loss": result.loss} | {key: result.info.get(key) for key in (*_SHARES, *_REGRETS)}
    words = []
    for key, value in values.items():
        if value is None:
            continue
        if not isinstance(value, int | float) or not math.isfinite(value):
            words.append(f"{key} is {value!r}, which is not a number")
        elif key in _REGRETS and value < -SINGLE_PRECISION:
            words.append(f"{key} is {value}: better than the best cell")
        elif key not in _REGRETS and not 0 <= value <= 1:
            words.append(f"{key} is {value}, not in [0, 1]")
    return words


def _otherwise(result: TrialResult, spec: StudySpec) -> list[str]:
    """Differences between a result and the table's record of its cell, in words."""
    space = get_space(spec.required_space)
    try:
        reported = Outcome.from_result(result)
        outcome = table_outcome(spec.required_table, space, reported.architecture(space))
    except (KeyError, TypeError, ValueError) as error:
        return [f"its cell cannot be looked up in the table: {error}"]
    expected = outcome.to_info()
    del expected["state"]
    expected |= _expected_loss(spec, reported, outcome)
    journaled = result.info | {"loss": result.loss}
    if spec.transfer or _TRANSFER in journaled:
        expected[_TRANSFER] = bool(spec.transfer)
    equals = _percent_of_equals(spec, outcome.reported("test"))
    return [
        f"{key} is {journaled.get(key)} where the table says {value}"
        for key, value in expected.items()
        if not _agrees(key, journaled.get(key), value, equals)
    ]


def _expected_loss(spec: StudySpec, reported: Outcome, outcome: Outcome) -> dict[str, Any]:
    """The loss that the table gives by the study's objective, and the objective's name.

    outcome: the table's of the cell reported. Empty for an objective that needs more than a table.
    """
    name = chosen(spec.objective).name
    if name == TEST_MEAN:
        return {"loss": outcome.test, KEYS["objective"]: name}
    if name == DRAW and reported.drawn_repeat is not None:
        space = get_space(spec.space)
        repeats = valid_repeats(spec.required_table, space, reported.architecture(space))
        return {"loss": float(repeats[reported.drawn_repeat])}
    return {"loss": outcome.loss} if name in (MEAN, DRAW) else {}


def _agrees(key: str, reported: Any, expected: Any, equals: float) -> bool:
    """Whether a reported value is expected, or is what earlier, less exact versions reported.

    Those counted up to `equals` percent of equally good cells as worse.
    """
    if not isinstance(reported, float) or not isinstance(expected, float):
        return bool(reported == expected)
    if key == _PERCENTILE:
        return expected - _ROUNDING <= reported <= expected + equals + _ROUNDING
    return abs(reported - expected) <= SINGLE_PRECISION


def _percent_of_equals(spec: StudySpec, error: float) -> float:
    """Share of the space's cells with this mean test error, in percent."""
    table = _table(spec.required_table)
    errors = table.mean_errors("test", table.entries(get_space(spec.required_space)))
    return float((errors == error).mean() * 100)


def _check_file(report: Report, path: Path, result: TrialResult) -> None:
    """Compare the worker's own record of a result, if there is one."""
    try:
        found = json.loads(path.read_bytes())
        same = (found["loss"], found["info"]) == (result.loss, result.info)
    except FileNotFoundError:
        return
    except (OSError, ValueError, KeyError, TypeError) as error:
        report.add(f"{path} cannot be read ({error}); the journal has the result")
        return
    if not same:
        report.add(f"{path} has another result than the journal")
