"""Reads an HpBandSter run: configs.json and results.json.

A run is another program's output: any error in it is reported in one line with its place.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from ConfigSpace import ConfigurationSpace

from oneshot_hpo.experiments.errors import UserError, one_line
from oneshot_hpo.experiments.exports.hpbandster import CONFIGS, RESULTS
from oneshot_hpo.hpo import Observation
from oneshot_hpo.hpo.bohb.encoding import check_configuration
from oneshot_hpo.hpo.plain import finite_loss, plain


def read_run(
    folder: Path,
    space: ConfigurationSpace,
    max_budget: int | float,
    left_out: list[str] | None = None,
    *,
    any_loss: bool = False,
) -> list[Observation]:
    """The observations of a run, in the order of its results, for a study with this space.

    A result is a crash if it is null or has no finite loss, or if there is an exception.
    any_loss: whether a loss may be any number, and need not be an error in [0, 1].
    left_out: collects a message for each line that cannot be used; None: the first one raises.

    UserError: the first line that cannot be read, a configuration that is not one of the space, a
    budget above the study's (BOHB's model uses the largest budget, so the study's own results would
    never count), a loss that is not a validation error in [0, 1], or a run without a result.
    """
    return _read(folder, partial(check_configuration, space), max_budget, left_out, any_loss)


def read_any_run(
    folder: Path, left_out: list[str] | None = None, *, any_loss: bool = False
) -> list[Observation]:
    """Like `read_run`, for configurations of any space and at any budget."""
    return _read(folder, lambda config: None, math.inf, left_out, any_loss)


def _read(
    folder: Path,
    check: Callable[[Mapping[str, Any]], None],
    max_budget: float,
    left_out: list[str] | None,
    any_loss: bool,
) -> list[Observation]:
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder")

    configs = _read_configs(folder / CONFIGS, check, left_out)
    seen: dict[tuple[Any, ...], int] = {}
    observations = []
    for number, line in _lines(folder / RESULTS):
        try:
            trial_id, budget, loss = _result(_parsed(line), max_budget, any_loss)
            if trial_id not in configs:
                raise ValueError(f"configuration {list(trial_id)} is not in {CONFIGS}")
            first = seen.setdefault((trial_id, budget), number)
            if first != number:
                raise ValueError(
                    f"configuration {list(trial_id)} has a result at budget {budget} in line "
                    f"{first} already"
                )
        except ValueError as error:
            _leave_out(left_out, folder / RESULTS, number, error)
            continue
        observations.append(Observation(configs[trial_id], budget, loss))

    if all(observation.loss is None for observation in observations):
        raise UserError(
            f"{folder}: no result in {RESULTS} has a loss, so a model cannot learn from it"
        )
    return observations


def _read_configs(
    path: Path, check: Callable[[Mapping[str, Any]], None], left_out: list[str] | None
) -> dict[tuple[int, ...], dict[str, Any]]:
    """Configurations by id, each one checked."""
    configs = {}
    for number, line in _lines(path):
        try:
            row = _parsed(line)
            if not isinstance(row, list) or len(row) not in (2, 3):
                raise ValueError("a line must be [id, configuration, info]")
            trial_id, config = _id(row[0]), row[1]
            if not isinstance(config, dict):
                raise ValueError("the configuration must be an object")
            if trial_id in configs:
                raise ValueError(f"configuration {list(trial_id)} is given twice")
            check(config)
        except ValueError as error:
            _leave_out(left_out, path, number, error)
            continue
        configs[trial_id] = plain(config)
    return configs


def _result(
    row: Any, max_budget: int | float, any_loss: bool
) -> tuple[tuple[int, ...], int | float, float | None]:
    """Id, budget and loss (None for a crash) of a line of results.json; ValueError says why not."""
    if not isinstance(row, list) or len(row) != 5:
        raise ValueError("a line must be [id, budget, timestamps, result, exception]")
    trial_id, budget, _, result, exception = row
    number = finite_loss(budget)
    if number is None or number <= 0:
        raise ValueError(f"the budget must be a number above 0, not {budget!r}")
    if number > max_budget:
        raise ValueError(
            f"budget {budget:g} is above max_budget {max_budget:g}: results of the study would "
            "never count in its model; a study with a larger max_budget can use the run"
        )
    if result is not None and not (isinstance(result, dict) and "loss" in result):
        raise ValueError('the result must be null or an object with "loss"')
    loss = None if result is None or exception is not None else result["loss"]
    if not (loss is None or (isinstance(loss, int | float) and not isinstance(loss, bool))):
        raise ValueError(f"the loss must be a number, not {loss!r}")
    loss = finite_loss(loss)
    if loss is not None and not any_loss and not 0 <= loss <= 1:
        raise ValueError(f"loss {loss:g} is not in [0, 1], as a validation error is")
    return _id(trial_id), int(number) if number == int(number) else number, loss


def _id(value: Any) -> tuple[int, ...]:
    if not (isinstance(value, list) and len(value) == 3 and all(type(n) is int for n in value)):
        raise ValueError(f"an id must be three whole numbers, not {value!r}")
    return tuple(value)


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Each line's number, from 1, and the line."""
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        raise UserError(f"{path.parent} holds no HpBandSter run ({path.name} is missing)") from None
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from None
    yield from enumerate(lines, start=1)


def _parsed(line: bytes) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"not JSON ({error})") from None


def _leave_out(left_out: list[str] | None, path: Path, number: int, error: ValueError) -> None:
    """Note a line that cannot be used; UserError if none may be left out."""
    problem = f"{path}, line {number}: {one_line(error)}"
    if left_out is None:
        raise UserError(problem) from None
    left_out.append(problem)
