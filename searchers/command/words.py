"""The words of a command: what stands in braces is filled in for each trial.

`{budget}` epochs, `{seed}`, `{folder}` of the trial, `{settings}` the path of a JSON file with all
of these and every hyperparameter, and each hyperparameter by its name. `{{` and `}}` are braces.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from string import Formatter
from typing import Any

from oneshot_hpo.searchers.errors import SearchError

BUDGET, SEED, FOLDER, SETTINGS = "budget", "seed", "folder", "settings"
OWN = (BUDGET, SEED, FOLDER, SETTINGS)
"""Placeholders that the study fills; no hyperparameter may have these names."""
_NAME = re.compile(r"[\w-]+")


class WordError(SearchError, ValueError):
    """A word of a command that cannot be filled in; the message says why."""


def placeholders(words: Sequence[str]) -> list[str]:
    """The names in braces, in order, each once. WordError: a brace that belongs to no name."""
    found = [name for word in words for _, name in _parts(word) if name is not None]
    return list(dict.fromkeys(found))


def filled(words: Sequence[str], values: Mapping[str, Any]) -> list[str]:
    """The words with their placeholders replaced by values."""
    return [
        "".join(
            text + ("" if name is None else written(values[name])) for text, name in _parts(word)
        )
        for word in words
    ]


def written(value: Any) -> str:
    """A value as an argument: text as it is; numbers, true, false and null as JSON writes them."""
    return value if isinstance(value, str) else json.dumps(value)


def _parts(word: str) -> list[tuple[str, str | None]]:
    """The texts of a word, each with the name that follows it."""
    try:
        parsed = list(Formatter().parse(word))
    except ValueError as error:
        raise WordError(f"{word!r}: {error}; a brace itself is written {{{{ or }}}}") from None

    parts = []
    for text, name, form, conversion in parsed:
        if name is not None and (not _NAME.fullmatch(name) or form or conversion):
            raise WordError(
                f"{word!r}: between braces stands one name; a brace itself is written {{{{ or }}}}"
            )
        parts.append((text, name))
    return parts
