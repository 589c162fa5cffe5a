"""Finds a study's data set and table by their content, also after they were moved.

A study records the checksums of both. A file that was moved is looked for where `resume --set`
said, beside the study, and at its old place relative to the study; only the same content counts.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.experiments.study.document import FILE_KEYS, parse_overrides
from oneshot_hpo.search_spaces.table_file import load_table, table_checksum

if TYPE_CHECKING:
    from oneshot_hpo.experiments.study.specification import StudySpec

INPUTS = {"dataset": "data set", "table": "table"}
"""Keys of a study file that name an input, and what each is called."""
PLACES = "places"
"""The key of the inputs' paths in an environment that a journal notes."""


def checksum(key: str, source: str) -> str:
    """SHA-256 of the images that a search trains on, or of the table's file.

    Raises DatasetError or TableError if they are missing.
    """
    if key == "table":
        load_table(source)  # its errors say what to do
        return table_checksum(source)
    from oneshot_hpo.searchers.data.datasets import load_dataset

    return load_dataset(source).checksum


def checksums(dataset: str, table: str) -> dict[str, str]:
    """The checksums of both, by key."""
    return {"dataset": checksum("dataset", dataset), "table": checksum("table", table)}


def identity(spec: StudySpec, key: str) -> str:
    """The identity of an input: its checksum if the study recorded one, else its path."""
    place: str = getattr(spec, key)
    return spec.checksums.get(key, place)


@functools.cache
def dataset_identity(dataset: str) -> str:
    """The identity of a data set outside a study: a known name, or the images' checksum."""
    return dataset if FILE_KEYS["dataset"](dataset) else checksum("dataset", dataset)


def given_inputs(overrides: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """Paths of inputs in KEY=VALUE overrides, by key, and the other overrides.

    UserError: a path is not text.
    """
    own = [one for one in overrides if one.partition("=")[0].strip() in INPUTS]
    given = parse_overrides(own)
    for key, place in given.items():
        if not isinstance(place, str):
            raise UserError(f"--set {key}: must be the path of a file, not {place!r}")
    return given, [override for override in overrides if override not in own]


def located(
    spec: StudySpec,
    folder: Path,
    given: Mapping[str, str] | None = None,
    *,
    notes: Sequence[Mapping[str, Any]],
) -> StudySpec:
    """The specification of the study in `folder`, with its inputs where they lie now.

    given: paths that the user named, by key; they are checked before work starts. An input that is
    not found keeps the path that the study recorded. notes: the environments noted in the study's
    journals, by time.
    """
    places: dict[str, str] = {}
    wanted = dict(spec.checksums)
    for note in notes:
        places |= note.get(PLACES, {})
        wanted |= note.get("checksums", {})
    places |= given or {}
    found = {
        key: places.get(key) or _found(key, getattr(spec, key), wanted.get(key), folder)
        for key in INPUTS
    }
    return spec.model_copy(update=found)


def present(
    spec: StudySpec,
    folder: Path,
    given: Mapping[str, str] | None = None,
    *,
    notes: Sequence[Mapping[str, Any]],
) -> StudySpec:
    """Like `located`, for work that needs both inputs. UserError: one is not found."""
    spec = located(spec, folder, given, notes=notes)
    for key in INPUTS:
        if is_missing(spec, key):
            raise UserError(missing_words(spec, key, folder))
    return spec


def is_missing(spec: StudySpec, key: str) -> bool:
    """Whether an input is a file that does not exist."""
    place = getattr(spec, key)
    return not FILE_KEYS[key](place) and not _exists(Path(place))


def missing_words(spec: StudySpec, key: str, folder: Path) -> str:
    """The message for an input that is missing, with what to do."""
    return (
        f"{folder}: its {INPUTS[key]} {getattr(spec, key)} is missing, also beside the study; "
        f"if it was moved: oneshot-hpo resume {folder} --set {key}=PATH"
    )


def _found(key: str, place: str, wanted: str | None, folder: Path) -> str:
    """The recorded path, or if it is gone, a file beside the study with the same content."""
    if FILE_KEYS[key](place) or wanted is None or _exists(Path(place)):
        return place
    for candidate in _beside(Path(place), folder):
        with suppress(ValueError, OSError):  # another file of that name
            if checksum(key, str(candidate)) == wanted:
                return str(candidate)
    return place


def _beside(place: Path, folder: Path) -> Iterator[Path]:
    """Files in or above the folder whose paths end as the place does, the nearest first."""
    ends = [Path(*place.parts[start:]) for start in range(1, len(place.parts))]
    resolved = folder.resolve()
    for above in (resolved, *resolved.parents):
        yield from (above / end for end in ends if _exists(above / end))


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # no permission, or not a path
        return False
