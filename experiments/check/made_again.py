"""Makes everything in a bundle again that follows from its journals and rows, and compares it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from importlib.metadata import PackageNotFoundError
from itertools import takewhile, zip_longest
from typing import Any

from oneshot_hpo.experiments import machine
from oneshot_hpo.experiments.check.findings import Report
from oneshot_hpo.experiments.errors import is_user_error, one_line
from oneshot_hpo.experiments.exports.bundle.appendix import LEFT_OUT
from oneshot_hpo.experiments.exports.bundle.layout import APPENDICES, DATA, MANIFEST, STUDIES
from oneshot_hpo.experiments.exports.bundle.made import Drawn, drawn, written
from oneshot_hpo.experiments.exports.bundle.stage import made_of
from oneshot_hpo.experiments.exports.bundle.writing import MAKERS
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.plugins import MissingPackage, require_extra

_TEXT = (".md", ".tex", ".csv", ".yaml")
_SHOWN = 60  # characters of a line


def check_made(
    report: Report,
    files: Mapping[str, bytes],
    studies: list[OpenedStudy],
    makers: Mapping[str, Any] | None,
) -> None:
    """Make again what is made of journals and rows, and compare it.

    makers: versions of the packages that made the bundle; None: it is the folder of one study.
    """
    try:
        if makers is None:
            _check_folder(report, files, studies)
        else:
            _check_all(report, files, studies, makers)
    except ValueError as error:
        if not is_user_error(error):
            raise
        report.add(f"not everything can be made again: {one_line(error)}")


def _check_folder(report: Report, files: Mapping[str, bytes], studies: list[OpenedStudy]) -> None:
    """Of one study alone: its settings and confirming searches."""
    again = {
        f"{STUDIES}/{study.source}/{name}": content
        for study in studies
        for name, content in made_of(study).items()
    }
    _compare(report, files, again, "")
    report.checked.append(f"{len(again)} files made again")


def _check_all(
    report: Report,
    files: Mapping[str, bytes],
    studies: list[OpenedStudy],
    makers: Mapping[str, Any],
) -> None:
    """Every table, sentence and figure; figures that cannot be drawn alike by checksums alone."""
    other = _other_makers(makers)
    why = f" (made by other versions: {', '.join(other)})" if other else ""
    missing = _cannot_draw()
    figures = Drawn(_pictures(files)) if missing else drawn(studies, lambda name: None)
    again = written(studies, figures)
    if missing:
        _compare(report, _without_left_out(files), _without_left_out(again), why)
    else:
        _compare(report, files, again, why)

    if missing or other:
        reason = f": {missing}" if missing else why
        report.notes.append(f"figures were compared by their checksums alone{reason}")
    else:
        _compare(report, files, figures.files, why)
    again |= figures.files if not other else _pictures(files)
    for name in sorted(files.keys() - again.keys()):
        if name != MANIFEST and name.rpartition("/")[2] not in DATA:
            report.add(f"{name} does not follow from the journals")
    report.checked.append(f"{len(again)} files made again")


def _cannot_draw() -> str | None:
    """Why figures cannot be drawn here; None: they can."""
    try:
        require_extra("figures", "drawing them again")
    except MissingPackage as missing:
        return str(missing)
    return None


def _without_left_out(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The files without the end of an appendix, which only who has drawn all figures can write."""
    found = dict(files)
    for name in (name for name in files if name in APPENDICES):
        lines = files[name].splitlines()
        kept = takewhile(lambda line: LEFT_OUT.encode() not in line, lines)
        found[name] = b"\n".join(kept).rstrip()
    return found


def _pictures(files: Mapping[str, bytes]) -> dict[str, bytes]:
    return {name: content for name, content in files.items() if name.startswith("figures/")}


def _compare(
    report: Report, files: Mapping[str, bytes], again: Mapping[str, bytes], why: str
) -> None:
    for name in sorted(again):
        if name not in files:
            report.add(f"{name} is missing: it follows from the journals")
        elif files[name] != again[name]:
            report.add(f"{name}{_difference(name, files[name], again[name])}{why}")


def _difference(name: str, found: bytes, wanted: bytes) -> str:
    """Where a file differs from what follows from the journals, in words."""
    if not name.endswith(_TEXT):
        return " is not the figure that follows from the journals"
    lines = found.decode(errors="replace").splitlines(), wanted.decode().splitlines()
    for number, (one, two) in enumerate(zip_longest(*lines, fillvalue=""), start=1):
        if one != two:
            start = next(
                (
                    place
                    for place, pair in enumerate(zip(one, two, strict=False))
                    if pair[0] != pair[1]
                ),
                min(len(one), len(two)),
            )
            begin = max(0, start - _SHOWN // 2)
            shown = [text[begin : begin + _SHOWN] for text in (one, two)]
            return f", line {number}: {shown[0]!r}, where the journals say {shown[1]!r}"
    return " differs in its line ends"


def _other_makers(makers: Mapping[str, Any]) -> list[str]:
    """Packages that made the bundle in another version than is here."""
    here: dict[str, str] = {}
    for name in MAKERS:
        with suppress(PackageNotFoundError):  # without its extra, matplotlib is not here
            here |= machine.versions([name])
    return [
        f"{name} {makers.get(name)} → {version}"
        for name, version in here.items()
        if name != "python" and makers.get(name) != version
    ]
