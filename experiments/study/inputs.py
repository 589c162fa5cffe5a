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
from oneshot_hpo.experiments.study import command_keys
from oneshot_hpo.experiments.study.document import CWD, FILE_KEYS, parse_overrides
from oneshot_hpo.search_spaces.table_file import load_table, table_checksum

if TYPE_CHECKING:
    from oneshot_hpo.experiments.study.specification import StudySpec

INPUTS = {"dataset": "data set", "table": "table"}
"""Keys of a study file that name an input, and what each is called."""
MOVABLE = INPUTS | {CWD: "folder of the command"}
"""Keys of a study file that name a place, which may be another one when the study is resumed."""
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


def checksums(spec: StudySpec) -> dict[str, str]:
    """The checksums of the inputs that a study has, and of its command's files, by key."""
    own = {key: checksum(key, place) for key, place in places_of(spec).items() if key in INPUTS}
    return own | command_keys.checksums(spec)


def places_of(spec: StudySpec) -> dict[str, str]:
    """The names and paths that a study has of MOVABLE, by key."""
    places = {key: getattr(spec, key) for key in MOVABLE}
    return {key: place for key, place in places.items() if place is not None}


def identity(spec: StudySpec, key: str) -> str | None:
    """The identity of an input: its checksum if the study recorded one, else its path, if any."""
    place: str | None = getattr(spec, key)
    return spec.checksums.get(key, place) if place is not None else None


@functools.cache
def dataset_identity(dataset: str) -> str:
    """The identity of a data set outside a study: a known name, or the images' checksum."""
    return dataset if FILE_KEYS["dataset"](dataset) else checksum("dataset", dataset)


def given_inputs(overrides: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """New places in KEY=VALUE overrides, by key, and the other overrides.

    UserError: a path is not text.
    """
    own = [one for one in overrides if one.partition("=")[0].strip() in MOVABLE]
    given = parse_overrides(own)
    for key, place in given.items():
        if not isinstance(place, str):
            raise UserError(f"--set {key}: must be a path, not {place!r}")
    return given, [override for override in overrides if override not in own]


def located(
    spec: StudySpec,
    folder: Path,
    given: Mapping[str, str] | None = None,
    *,
    notes: Sequence[Mapping[str, Any]],
) -> StudySpec:
    """The specification of the study in `folder`, with its places where they are now.

    given: paths that the user named, by key; they are checked before work starts. An input that is
    not found keeps the path that the study recorded. notes: the environments noted in the study's
    journals, by time. UserError: the study has no such place.
    """
    own = places_of(spec)
    for key in given or ():
        if key not in own:
            raise UserError(f"--set {key}: the study has no {MOVABLE[key]}")
    places: dict[str, str] = {}
    wanted = dict(spec.checksums)
    for note in notes:
        places |= note.get(PLACES, {})
        wanted |= note.get("checksums", {})
    places |= given or {}
    found = {
        key: places.get(key) or _found(key, place, wanted.get(key), folder)
        for key, place in own.items()
    }
    return spec.model_copy(update=found)


def present(
    spec: StudySpec,
    folder: Path,
    given: Mapping[str, str] | None = None,
    *,
    notes: Sequence[Mapping[str, Any]],
) -> StudySpec:
    """Like `located`, for work that needs all of them. UserError: one is not found."""
    spec = located(spec, folder, given, notes=notes)
    for key in MOVABLE:
        if is_missing(spec, key):
            raise UserError(missing_words(spec, key, folder))
    return spec


def is_missing(spec: StudySpec, key: str) -> bool:
    """Whether a place is a file or folder that does not exist."""
    place = getattr(spec, key)
    return place is not None and not _is_name(key, place) and not _exists(Path(place))


def missing_words(spec: StudySpec, key: str, folder: Path) -> str:
    """The message for an input that is missing, with what to do."""
    return (
        f"{folder}: its {MOVABLE[key]} {getattr(spec, key)} is missing, also beside the study; "
        f"if it was moved: oneshot-hpo resume {folder} --set {key}=PATH"
    )


def _found(key: str, place: str, wanted: str | None, folder: Path) -> str:
    """The recorded path, or if it is gone, a file beside the study with the same content."""
    if _is_name(key, place) or wanted is None or _exists(Path(place)):
        return place
    for candidate in _beside(Path(place), folder):
        with suppress(ValueError, OSError):  # another file of that name
            if checksum(key, str(candidate)) == wanted:
                return str(candidate)
    return place


def _is_name(key: str, place: str) -> bool:
    """Whether a place is the name of something known, and no path."""
    return key in FILE_KEYS and FILE_KEYS[key](place)


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
