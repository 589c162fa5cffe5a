"""The result that a command writes: result.json in its folder."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from oneshot_hpo import checks
from oneshot_hpo.searchers.errors import SearchError
from oneshot_hpo.searchers.records import SearchDiverged

RESULT = "result.json"
VALIDATION, TEST, ARCHITECTURE = "validation_error", "test_error", "architecture"
_SHAPES = f'{{"{ARCHITECTURE}": …}} or {{"{VALIDATION}": …, "{TEST}": …}}'
_LARGEST = 10_000_000
"""Bytes of a result; a larger file is something else."""

_is_number = checks.number().test


class BadResult(SearchError, ValueError):
    """A command's result is missing, or is none; the message says what is wrong with it."""


@dataclass(frozen=True, kw_only=True)
class CommandResult:
    """What a command found: an architecture, its errors, or both."""

    architecture: Mapping[str, Any] | None = None
    """The architecture as its space writes it."""
    validation_error: float | None = None
    """What the optimizer minimises; any finite number."""
    test_error: float | None = None
    """What is reported; any finite number."""


def read_result(folder: Path, epochs: int) -> CommandResult:
    """The result in a command's folder.

    epochs: of the run, for messages. BadResult: the file is missing, or is no result.
    SearchDiverged: an error is not finite.
    """
    document = _read(folder / RESULT)
    errors = {key: _error(document, key, epochs) for key in (VALIDATION, TEST) if key in document}
    if len(errors) == 1:
        lacking = TEST if VALIDATION in errors else VALIDATION
        raise BadResult(f"{RESULT} has no {lacking}: it has to be {_SHAPES}")

    architecture = document.get(ARCHITECTURE)
    if architecture is not None and not isinstance(architecture, dict):
        raise BadResult(f"{RESULT}: {ARCHITECTURE} must be an object, not {architecture!r:.100}")
    if architecture is None and not errors:
        keys = ", ".join(sorted(document)) or "nothing"
        raise BadResult(f"{RESULT} has to be {_SHAPES}, and has {keys:.100}")
    return CommandResult(
        architecture=architecture,
        validation_error=errors.get(VALIDATION),
        test_error=errors.get(TEST),
    )


def _read(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > _LARGEST:
            raise BadResult(f"{RESULT} is too large for a result")
        document = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise BadResult(f"it wrote no {RESULT} into {path.parent}") from None
    except (ValueError, RecursionError) as error:
        if isinstance(error, BadResult):
            raise
        raise BadResult(f"{RESULT} is not JSON ({error})") from None
    if not isinstance(document, dict):
        raise BadResult(f"{RESULT} has to be {_SHAPES}, not {document!r:.100}")
    return document


def _error(document: Mapping[str, Any], key: str, epochs: int) -> float:
    value = document[key]
    if isinstance(value, float) and not math.isfinite(value):
        raise SearchDiverged(epochs, f"the {key} in {RESULT} is {value}")
    if not _is_number(value):
        raise BadResult(f"{RESULT}: {key} must be a number, not {value!r:.100}")
    return float(value)
