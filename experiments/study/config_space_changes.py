"""A configuration space from another one: a file of ConfigSpace's, or a base with changes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from oneshot_hpo.experiments.errors import one_line
from oneshot_hpo.experiments.study.document import BASE, LARGEST, is_space_file
from oneshot_hpo.experiments.study.yaml_files import YamlError, load_yaml
from oneshot_hpo.hpo import StudyError
from oneshot_hpo.hpo.space_document import (
    CONDITIONS,
    FORBIDDEN,
    document_from_space,
    hyperparameters,
    without,
)
from oneshot_hpo.hpo.space_document.serialized import space_from_serialized
from oneshot_hpo.suggestions import did_you_mean

ADD, REMOVE = "add", "remove"
"""Keys, beside BASE, of a section `config_space` that changes another space."""


def read_space(path: Path) -> dict[str, Any]:
    """The document of the space in a file that ConfigSpace wrote. StudyError: there is none."""
    try:
        if path.stat().st_size > LARGEST:
            raise StudyError("too large for a configuration space")
        text = path.read_text(encoding="utf-8")
        serialized = json.loads(text) if path.suffix == ".json" else load_yaml(text)
        return document_from_space(space_from_serialized(serialized))
    except OSError as error:
        raise StudyError(f"{path}: cannot be read: {error.strerror}") from None
    except (UnicodeDecodeError, RecursionError):
        raise StudyError(f"{path}: not a text file in UTF-8") from None
    except (json.JSONDecodeError, YamlError, StudyError) as error:
        raise StudyError(f"{path}: {one_line(error)}") from None


def changed(given: Mapping[str, Any], named: Callable[[str], dict[str, Any]]) -> dict[str, Any]:
    """A section of the study file as a document without `base`, `add` and `remove`.

    named: the document of the space of a name. StudyError: anything that does not fit the base.
    """
    if BASE not in given:
        for key in (ADD, REMOVE):
            if key in given:
                raise StudyError(f"{key} changes another space: name it with {BASE}")
        return dict(given)

    document = _without(_base(given[BASE], named), given.get(REMOVE, []))
    for name, entry in _section(given, ADD).items():
        if name in document:
            raise StudyError(f"{ADD}: {name} is in {BASE} already: leave {ADD} out to change it")
        document[name] = entry
    for key, change in given.items():
        if key in (CONDITIONS, FORBIDDEN):
            if not isinstance(change, list):
                raise StudyError(f"{key} must be a list of entries, not {change!r}")
            document[key] = [*document.get(key, []), *change]
        elif key not in (BASE, ADD, REMOVE):
            document[key] = _entry_changed(document, key, change)
    return document


def _base(base: Any, named: Callable[[str], dict[str, Any]]) -> dict[str, Any]:
    """The document of the space that is changed; a name's without defaults."""
    if not isinstance(base, str):
        raise StudyError(f"{BASE} must be a name or the path of a file, not {base!r}")
    if is_space_file(base):
        return read_space(Path(base))
    return {
        name: {key: value for key, value in entry.items() if key != "default"}
        for name, entry in named(base).items()
    }


def _without(document: dict[str, Any], names: Any) -> dict[str, Any]:
    if not isinstance(names, list):
        raise StudyError(f"{REMOVE} must be a list of hyperparameters, not {names!r}")
    for name in names:
        known = hyperparameters(document)
        if name not in known:
            raise StudyError(f"{REMOVE}: no hyperparameter {name!r}: {_meant(name, known)}")
        document = without(document, name)
    return document


def _section(given: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    section = given.get(key, {})
    if not isinstance(section, Mapping):
        raise StudyError(f"{key} must be a section of hyperparameters, not {section!r}")
    return section


def _entry_changed(document: Mapping[str, Any], name: str, change: Any) -> Any:
    """A hyperparameter of the base with other ends, or as something else altogether."""
    known = hyperparameters(document)
    if name not in known:
        raise StudyError(
            f"no hyperparameter {name!r} in {BASE} to change: {_meant(name, known)}; a new one "
            f"belongs under {ADD}"
        )
    if isinstance(change, Mapping) and not {"choices", "sequence", "constant"} & change.keys():
        return {**known[name], **change}
    return change


def _meant(name: Any, known: Mapping[str, Any]) -> str:
    return did_you_mean(str(name), known) if known else "there are none"
