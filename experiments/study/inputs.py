"""Where a study's data set and table lie now: what counts is their content, not their path.

A study records the checksums of both. A file that was moved is found where `resume --set` said,
beside the study, or where it lay relative to the study; anywhere only with the same content.
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
"""The key, in the environment that a journal notes, of where inputs lie: a path by key."""


def checksum(key: str, source: str) -> str:
    """SHA-256 of the images that a search trains on, or of the table's file.

    Raises DatasetError or TableError where they are not there.
    """
    if key == "table":
        load_table(source)  # its errors say what to do
        return table_checksum(source)
    from oneshot_hpo.searchers.data.datasets import load_dataset

    return load_dataset(source).checksum


def checksums(dataset: str, table: str) -> dict[str, str]:
    """Those of both, by key."""
    return {"dataset": checksum("dataset", dataset), "table": checksum("table", table)}


def identity(spec: StudySpec, key: str) -> str:
    """What tells an input from others: its content, if the study recorded that, else its place."""
    place: str = getattr(spec, key)
    return spec.checksums.get(key, place)


@functools.cache
def dataset_identity(dataset: str) -> str:
    """The same, of a data set that no study recorded: a known name, or the images' checksum."""
    return dataset if FILE_KEYS["dataset"](dataset) else checksum("dataset", dataset)


def given_inputs(overrides: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """Where KEY=VALUE overrides say that inputs lie, by key, and the other overrides.

    UserError: one is no text.
    """
    own = [one for one in overrides if one.partition("=")[0].strip() in INPUTS]
    given = parse_overrides(own)
    for key, place in given.items():
        if not isinstance(place, str):
            raise UserError(f"--set {key}: has to be the path of a file, not {place!r}")
    return given, [override for override in overrides if override not in own]


def located(
    spec: StudySpec,
    folder: Path,
    given: Mapping[str, str] | None = None,
    *,
    notes: Sequence[Mapping[str, Any]] | None = None,
) -> StudySpec:
    """The specification of the study in `folder`, with its inputs where they lie now.

    given: where somebody says that they lie, by key; whoever works on the study checks that. An
    input that is nowhere keeps the place that the study recorded. notes: the environments noted in
    the study's journals, by time; None: they are read.
    """
    if notes is None:
        from oneshot_hpo.experiments.study.folder import CONFIRMATION
        from oneshot_hpo.hpo import noted_environments  # what only knows of inputs does without

        _, notes = noted_environments(folder, folder / CONFIRMATION)
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
    notes: Sequence[Mapping[str, Any]] | None = None,
) -> StudySpec:
    """Like `located`, for work that needs both inputs. UserError: one is nowhere."""
    spec = located(spec, folder, given, notes=notes)
    for key in INPUTS:
        if is_missing(spec, key):
            raise UserError(missing_words(spec, key, folder))
    return spec


def is_missing(spec: StudySpec, key: str) -> bool:
    """Whether an input is a file that is not there."""
    place = getattr(spec, key)
    return not FILE_KEYS[key](place) and not _exists(Path(place))


def missing_words(spec: StudySpec, key: str, folder: Path) -> str:
    """That an input is not there, and what to do."""
    return (
        f"{folder}: its {INPUTS[key]} {getattr(spec, key)} is not there, and not beside the study; "
        f"where the same content is elsewhere: oneshot-hpo resume {folder} --set {key}=PATH"
    )


def _found(key: str, place: str, wanted: str | None, folder: Path) -> str:
    """The recorded place, or where the wanted content is if that is gone."""
    if FILE_KEYS[key](place) or wanted is None or _exists(Path(place)):
        return place
    for candidate in _beside(Path(place), folder):
        with suppress(ValueError, OSError):  # something else of that name
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
    except (OSError, ValueError):  # may not be looked at, or is no path
        return False
