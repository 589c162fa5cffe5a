"""What a study's numbers depend on besides its settings: package versions, data, the table.

They are recorded at launch; a study that is resumed with others says so and asks.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Console

from experiments import machine
from experiments.errors import UserError
from hpo import noted_environments

_IRRELEVANT = ("python", "scikit-learn")
"""Recorded, but nothing that a study computes follows from them: data have a checksum."""
_SHOWN = 12  # characters of a checksum


def compared(
    console: Console, folder: Path, *, accept: bool, confirmation: Path | None = None
) -> tuple[str, dict[str, dict[str, str]]] | None:
    """Compare what a study was last worked on with with what is here now.

    confirmation: the folder of the study's confirmation, if that is what is to be worked on.

    None: they are equal, as far as the study recorded them; else, with `accept`, what differs and
    what is here, to be noted in the journal. UserError: something differs and is not accepted.
    """
    header, notes = noted_environments(folder, confirmation)
    specification = header.get("specification", {})
    recorded = {key: dict(specification.get(key, {})) for key in ("versions", "checksums")}
    for note in notes:
        for key in recorded.keys() & note.keys():
            recorded[key] |= note[key]
    here: dict[str, dict[str, str]] = {"versions": {}, "checksums": {}}
    for key, words in (("versions", "package versions"), ("checksums", "data and table")):
        if not recorded[key]:
            console.print(
                f"{folder} does not say with which {words} it was begun: nothing to compare",
                markup=False,
                soft_wrap=True,
            )
    if recorded["versions"]:
        here["versions"] = machine.versions()
    if recorded["checksums"]:
        here["checksums"] = machine.checksums(specification["dataset"], specification["table"])
    differences = _differences(recorded, here, specification)
    if not differences:
        return None
    text = "; ".join(differences)
    if not accept:
        command = "resume" if confirmation is None else "confirm"
        raise UserError(
            f"{folder} was worked on with something else than is here: {text}. What comes now may "
            f"not compare with what came before; to go on all the same: oneshot-hpo {command} "
            f"{folder} --accept-changes"
        )
    console.print(f"accepted, and noted in the journal: {text}", markup=False, soft_wrap=True)
    return text, here


def _differences(
    recorded: dict[str, dict[str, str]], here: dict[str, dict[str, str]], names: dict[str, Any]
) -> list[str]:
    """Each difference in words, was → is."""
    words = [
        f"{package} {was} → {here['versions'][package]}"
        for package, was in recorded["versions"].items()
        if package not in _IRRELEVANT and was != here["versions"].get(package, was)
    ]
    for key, what in (("dataset", "data set"), ("table", "table")):
        was, now = (
            checksum.get(key, "") for checksum in (recorded["checksums"], here["checksums"])
        )
        if was != now:
            words.append(f"{what} {names[key]}, SHA-256 {was[:_SHOWN]} → {now[:_SHOWN]}")
    return words
