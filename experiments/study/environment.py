"""What a study's numbers depend on besides its settings: package versions, data set and table.

They are recorded at launch. Resuming with different ones needs the user's consent.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console

from oneshot_hpo.experiments import machine
from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.experiments.study import own_code
from oneshot_hpo.experiments.study.document import COMMAND
from oneshot_hpo.experiments.study.inputs import (
    INPUTS,
    MOVABLE,
    PLACES,
    checksums,
    places_of,
    present,
)
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.experiments.terminal.hints import command, say

_IRRELEVANT = ("python", "scikit-learn")
"""Recorded, but without effect on what a study computes: data have a checksum."""
_WITH_CHECKSUM = INPUTS | {COMMAND: "files of the command"}
_SHOWN = 12  # characters of a checksum


def check_environment(
    console: Console,
    study: OpenedStudy,
    *,
    accept: bool,
    given: Mapping[str, str] | None = None,
    confirming: bool = False,
) -> tuple[str, dict[str, dict[str, str]]] | None:
    """Compare the environment that a study last ran in with the current one.

    given: places of data set and table that the user named, by key. confirming: whether to
    compare with the environments of the study's confirmation as well.

    Returns None if nothing that the study recorded has changed or moved; otherwise the changes in
    words and the current environment, both to be noted in the journal. UserError: something differs
    and `accept` is False, or the data set or table is missing.
    """
    folder = study.folder
    specification = study.view.header.get("specification", {})
    recorded = {key: dict(specification.get(key, {})) for key in ("versions", "checksums")}
    recorded[PLACES] = {key: specification[key] for key in MOVABLE if specification.get(key)}
    for note in study.environments if confirming else study.view.notes:
        for key in recorded.keys() & note.keys():
            recorded[key] |= note[key]

    places = _places(study, given)
    moved = _moved(console, recorded[PLACES], places, given or {})

    code = own_code.module_checksums(study.spec) if recorded["checksums"] else {}
    here: dict[str, dict[str, str]] = {"versions": {}, "checksums": {}}
    for key, words in (("versions", "package versions"), ("checksums", "data and table")):
        if not recorded[key]:
            say(
                console,
                f"{folder} has no record of its {words}: nothing to compare",
            )

    if recorded["versions"]:
        here["versions"] = machine.versions() | own_code.versions(study.spec)
    if recorded["checksums"]:
        here["checksums"] = checksums(study.spec.model_copy(update=places)) | code

    differences = _differences(recorded, here, places)
    text = "; ".join(differences)
    if differences and not accept:
        verb = "confirm" if confirming else "resume"
        again = [word for key, place in moved.items() for word in ("--set", f"{key}={place}")]
        raise UserError(
            f"{folder}: the environment has changed: {text}. New results may not be comparable "
            "with earlier ones; to resume anyway: "
            f"{command(verb, folder, '--accept-changes', *again)}"
        )

    if differences:
        say(console, f"accepted, and noted in the journal: {text}")

    if not differences and not moved:
        return None
    differences += [f"{MOVABLE[key]} now at {place}" for key, place in moved.items()]
    changed = here if text else {}
    return "; ".join(differences), changed | ({PLACES: moved} if moved else {})


def _places(study: OpenedStudy, given: Mapping[str, str] | None) -> dict[str, str]:
    """Places of data set and table, by key. UserError: one is missing."""
    if "specification" not in study.view.header:
        return {}
    spec = present(study.spec, study.folder, given, notes=study.environments)
    return places_of(spec)


def _moved(
    console: Console, recorded: dict[str, str], places: dict[str, str], given: Mapping[str, str]
) -> dict[str, str]:
    """New places that the user named, by key; prints which inputs were found elsewhere."""
    for key, place in places.items():
        if place != recorded[key] and key not in given:
            words = f"{MOVABLE[key]} {recorded[key]} is missing; the same content is at {place}"
            say(console, words)
    return {key: place for key, place in given.items() if place != recorded.get(key)}


def _differences(
    recorded: dict[str, dict[str, str]], here: dict[str, dict[str, str]], names: dict[str, Any]
) -> list[str]:
    """Each difference in words, old → new."""
    words = [
        f"{package} {was} → {here['versions'][package]}"
        for package, was in recorded["versions"].items()
        if package not in _IRRELEVANT and was != here["versions"].get(package, was)
    ]
    modules = {name: f"module {name}" for name in here["checksums"] if name not in _WITH_CHECKSUM}
    for key, what in (_WITH_CHECKSUM | modules).items():
        was, now = (
            checksum.get(key, "") for checksum in (recorded["checksums"], here["checksums"])
        )
        if was != now:
            named = f"{what} {names[key]}" if key in names else what
            words.append(f"{named}, SHA-256 {was[:_SHOWN]} → {now[:_SHOWN]}")
    return words
