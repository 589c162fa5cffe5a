"""Writes a bundle: whole or not at all, the same bytes for the same studies."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from oneshot_hpo.experiments import machine
from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.experiments.exports.bundle.archive import BadBundle, read_bundle
from oneshot_hpo.experiments.exports.bundle.data import data_of
from oneshot_hpo.experiments.exports.bundle.layout import FORMAT, MANIFEST, STUDIES, names_of
from oneshot_hpo.experiments.exports.bundle.made import drawn, written
from oneshot_hpo.experiments.exports.bundle.stage import lay_out
from oneshot_hpo.experiments.numbers.sources import grid_studies, is_grid
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.whole_files import whole_file

MAKERS = ("oneshot-hpo", "numpy", "scipy", "matplotlib", "scikit-learn", "optuna", "ConfigSpace")
"""Packages on whose versions the numbers and figures of a bundle depend."""


def write_bundle(
    folders: Sequence[Path], target: Path, on_figure: Callable[[str], None]
) -> list[str]:
    """Write a bundle of studies, in place of an earlier one; returns their names in it.

    Of a grid's folder, its studies that have a result.

    UserError: one is no study, has no results, they cannot be compared, or `target` is no bundle
    or cannot be written; nothing is written then.
    """
    check_target(target)
    studies = [study for folder in folders for study in _studies(folder)]
    places = [study.folder.resolve() for study in studies]
    if len(set(places)) < len(places):
        raise UserError("a study is named twice")
    names = names_of([place.name for place in places])
    files = bundle_of(dict(zip(names, map(data_of, studies), strict=True)), on_figure)

    try:
        with whole_file(target) as file, zipfile.ZipFile(file, "w") as archive:
            for name in sorted(files):
                archive.writestr(_member(name), files[name])
    except OSError as error:
        raise UserError(f"{target} cannot be written ({error.strerror or error})") from None
    return names


def _studies(folder: Path) -> list[OpenedStudy]:
    return grid_studies(folder) if is_grid(folder) else [OpenedStudy(folder)]


def bundle_of(
    data: Mapping[str, Mapping[str, bytes]], on_figure: Callable[[str], None]
) -> dict[str, bytes]:
    """Every file of a bundle, from the data of its studies by name."""
    files = {
        f"{STUDIES}/{study}/{name}": content
        for study, own in data.items()
        for name, content in own.items()
    }
    with TemporaryDirectory() as stage:
        studies = staged(Path(stage), data)
        figures = drawn(studies, on_figure)
        files |= written(studies, figures) | figures.files
    files[MANIFEST] = _manifest(list(data), files)
    return files


def staged(folder: Path, data: Mapping[str, Mapping[str, bytes]]) -> list[OpenedStudy]:
    """The studies of a bundle, opened in folders of their names inside `folder`."""
    for name, own in data.items():
        lay_out(folder / name, own)
    return [OpenedStudy(folder / name, source=name) for name in data]


def check_target(target: Path) -> None:
    """UserError unless a bundle may be written there."""
    if target.suffix != ".zip":
        raise UserError(f"--out {target}: the name of a bundle must end in .zip")
    if not target.parent.is_dir():
        raise UserError(f"--out {target}: its folder is missing")
    if not target.exists():
        return
    try:
        is_ours = not target.is_dir() and MANIFEST in read_bundle(target)
    except (BadBundle, OSError):
        is_ours = False
    if not is_ours:
        raise UserError(f"--out {target} exists and is no bundle; choose another place")


def _manifest(names: Sequence[str], files: Mapping[str, bytes]) -> bytes:
    document = {
        "format": FORMAT,
        "made by": machine.versions(MAKERS),
        "studies": list(names),
        "files": {name: hashlib.sha256(files[name]).hexdigest() for name in sorted(files)},
    }
    return f"{json.dumps(document, indent=1)}\n".encode()


def _member(name: str) -> zipfile.ZipInfo:
    """A plain, uncompressed member; its date stays 1980, so that equal bundles are equal bytes."""
    member = zipfile.ZipInfo(name)
    member.create_system = 3
    member.external_attr = 0o100644 << 16
    return member
