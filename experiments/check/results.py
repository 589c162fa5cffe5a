"""Checks that results are possible and agree with the table."""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from oneshot_hpo.experiments.check.findings import Report
from oneshot_hpo.experiments.objectives.section import (
    BUILT_IN,
    DRAW,
    LOSS,
    MEAN,
    TEST_MEAN,
    chosen,
    loss_name,
)
from oneshot_hpo.experiments.objectives.table_outcome import table_outcome, valid_repeats
from oneshot_hpo.experiments.study.outcome import KEYS, Outcome
from oneshot_hpo.experiments.study.specification import StudySpec
from oneshot_hpo.experiments.study.trial import RESULT
from oneshot_hpo.hpo import Rerun, Trial, TrialResult
from oneshot_hpo.search_spaces import get_space, load_table
from oneshot_hpo.search_spaces.table import SINGLE_PRECISION, mean_of

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
        for words in _impossible(result, spec):
            report.add(f"{where}: {words}")
        if spec is not None and spec.table is not None and KEYS["document"] in result.info:
            compared += 1
            for words in _otherwise(result, spec):
                report.add(f"{where}: {words}")
        _check_file(report, folder / "trials" / trial.key / RESULT, result)
    if compared:
        report.checked.append(f"{compared} results compared with the table")


def _impossible(result: TrialResult, spec: StudySpec | None) -> list[str]:
    values = {"loss": result.loss} | {key: result.info.get(key) for key in (*_SHARES, *_REGRETS)}
    words = []
    for key, value in values.items():
        if value is None:
            continue
        if not isinstance(value, int | float) or not math.isfinite(value):
            words.append(f"{key} is {value!r}, which is not a number")
        elif key in _REGRETS and value < -SINGLE_PRECISION:
            words.append(f"{key} is {value}: better than the best cell")
        elif key == "loss" and spec is not None and loss_name(spec.objective) == LOSS:
            continue  # of any size
        elif spec is not None and spec.command is not None:
            continue  # a command's errors are any numbers
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
    if _has_own_errors(spec, reported):
        expected = {key: expected[key] for key in (KEYS["document"], KEYS["key"])}
    expected |= _expected_loss(spec, reported, outcome)
    journaled = result.info | {"loss": result.loss}
    if spec.transfer or _TRANSFER in journaled:
        expected[_TRANSFER] = bool(spec.transfer)
    equals = _table(spec.required_table).percent_equal(space, reported.architecture(space))
    return [
        f"{key} is {journaled.get(key)} where the table says {value}"
        for key, value in expected.items()
        if not _agrees(key, journaled.get(key), value, equals)
    ]


def _has_own_errors(spec: StudySpec, reported: Outcome) -> bool:
    """Whether errors are a command's or an objective's own, so that a table may say others."""
    if spec.command is not None and reported.regret is None:
        return True
    return chosen(spec.objective).name not in BUILT_IN


def _expected_loss(spec: StudySpec, reported: Outcome, outcome: Outcome) -> dict[str, Any]:
    """What the table says of the loss and of its costs, by the study's objective.

    outcome: the table's of the cell reported. Empty for an objective that needs more than a table.
    """
    own = chosen(spec.objective)
    if _has_own_errors(spec, reported):
        return {}

    expected: dict[str, Any] = {}
    if own.plus or own.name == TEST_MEAN:
        expected[KEYS["objective"]] = own.words
    error = _table_error(own.name, spec, reported, outcome)
    if error is not None:
        costs = [weight * reported.costs.get(cost, 0.0) for cost, weight in own.plus.items()]
        expected["loss"] = error + sum(costs)
    table = _table(spec.required_table)
    if own.plus and own.plus.keys() <= table.metrics.keys():
        space = get_space(spec.required_space)
        row = table.row_of(space, reported.architecture(space))
        means = {cost: float(mean_of(table.values(cost, row))) for cost in own.plus}
        expected[KEYS["costs"]] = means
    return expected


def _table_error(name: str, spec: StudySpec, reported: Outcome, outcome: Outcome) -> float | None:
    """The loss of an objective that reads the table; None for another."""
    if name == TEST_MEAN:
        return outcome.test
    if name == DRAW and reported.drawn_repeat is not None:
        space = get_space(spec.required_space)
        repeats = valid_repeats(spec.required_table, space, reported.architecture(space))
        return float(repeats[reported.drawn_repeat])
    return outcome.loss if name in (MEAN, DRAW) else None


def _agrees(key: str, reported: Any, expected: Any, equals: float) -> bool:
    """Whether a reported value is expected, or is what earlier, less exact versions reported.

    Those counted up to `equals` percent of equally good cells as worse.
    """
    if not isinstance(reported, float) or not isinstance(expected, float):
        return bool(reported == expected)
    if key == _PERCENTILE:
        return expected - _ROUNDING <= reported <= expected + equals + _ROUNDING
    return abs(reported - expected) <= SINGLE_PRECISION


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
