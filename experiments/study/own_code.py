"""Code of the user's own in a study: the files and modules that it names.

A study file names a file beside itself, "mine.py:Name". Once read, it is known by its content, as
"plugins/<sha256>/mine.py:Name", which is also where the study keeps a copy, inside its folder.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oneshot_hpo import foreign, plugins
from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.experiments.objectives.section import ERROR
from oneshot_hpo.foreign import Reference
from oneshot_hpo.whole_files import write_whole

if TYPE_CHECKING:
    from oneshot_hpo.experiments.study.specification import StudySpec

KEYS = tuple(plugins.GROUPS)
"""Keys of a study file that may name code of the user's."""

LARGEST = 1_000_000
"""Bytes of a file of code."""

FILE, PACKAGE = "file", "package"
"""Keys of a record: the file that was copied at launch; the distribution that a module is of."""

_IN_A_FILE = re.compile(r"(?P<path>[^:]+\.py):(?P<name>[^:]+)(?P<rest>:[^:]+)?")
_SHOWN = 12  # characters of a checksum


def name_in(value: Any) -> str | None:
    """The name in a value of one of KEYS: a name alone, {NAME: settings}, or that of an error."""
    if isinstance(value, dict) and ERROR in value:
        return name_in(value[ERROR])
    if isinstance(value, dict) and len(value) == 1:
        (value,) = value
    return value if isinstance(value, str) else None


def names_a_file(value: Any) -> bool:
    """Whether a value of one of KEYS is of the form path.py:Name."""
    name = name_in(value)
    return name is not None and _IN_A_FILE.fullmatch(name) is not None


def anchored(value: Any, folder: Path) -> Any:
    """A value of one of KEYS; if it is path.py:Name, what it refers to in `folder`.

    UserError: there is no such file, or it lies outside the folder.
    """
    named = name_in(value)
    match = _IN_A_FILE.fullmatch(named) if named is not None else None
    if named is None or match is None:
        return value

    path = folder / match["path"]
    if not path.resolve().is_relative_to(folder.resolve()):
        raise UserError(f"{named}: the file has to lie beside the study file, or in a folder there")
    reference = _reference(path, match["name"], named) + (match["rest"] or "")
    recorded = foreign.reference_of(named)
    if recorded is not None and recorded.checksum is not None and reference != named:
        raise UserError(f"{path} was altered: its SHA-256 is not {recorded.checksum}")
    return _with_name(value, reference)


def anchor(document: dict[str, Any], folder: Path) -> None:
    """Replace, in a study file's document, files beside it by references. UserError."""
    for key in KEYS:
        if key in document:
            document[key] = anchored(document[key], folder)


def typed(text: str) -> str:
    """A name that the user typed for a command: it may run, and a path is of the current folder.

    UserError: there is no such file.
    """
    reference = foreign.reference_of(text)
    match = _IN_A_FILE.fullmatch(text)
    if match is not None and (reference is None or foreign.location_of(reference) is None):
        text = _reference(Path(match["path"]), match["name"], text) + (match["rest"] or "")
    reference = foreign.reference_of(text)
    if reference is not None:
        foreign.allow(reference)
    return text


def as_written(spec: StudySpec, folder: Path) -> dict[str, Any]:
    """The files and modules that a study names, by key, as a study file in `folder` names them."""
    found = {}
    for key, reference in references(spec).items():
        name = reference.label
        path = foreign.location_of(reference)
        if path is not None:
            place = path.resolve().relative_to(folder.resolve())
            name = f"{place}{name.removeprefix(path.name)}"
        found[key] = _with_name(getattr(spec, key), name)
    return found


def typed_section(section: Any) -> Any:
    """Like `typed`, for a name alone or a name with settings."""
    name = name_in(section)
    return section if name is None else _with_name(section, typed(name))


def references(spec: StudySpec) -> dict[str, Reference]:
    """The files and modules that a study names, by key."""
    found = {key: foreign.reference_of(name) for key, name in _names(spec)}
    return {key: reference for key, reference in found.items() if reference is not None}


def files(spec: StudySpec) -> Iterator[Reference]:
    """The files that a study names."""
    return (reference for reference in references(spec).values() if reference.file is not None)


def allow(spec: StudySpec) -> None:
    """Let the code that a study names run in this process."""
    for reference in references(spec).values():
        foreign.allow(reference)


def records(spec: StudySpec) -> dict[str, dict[str, str]]:
    """By key, where each plug-in of a study comes from: {"file": …}, {"package": …} or {}."""
    found = {}
    for key, entry in _plugins(spec):
        reference = foreign.reference_of(entry.target)
        assert reference is not None  # it was imported
        if reference.checksum is not None:
            found[key] = {FILE: str(foreign.location_of(reference))}
        else:
            package = entry.package or _distribution(reference.source)
            found[key] = {} if package is None else {PACKAGE: package}
    return found


def versions(spec: StudySpec) -> dict[str, str]:
    """The versions of the distributions of a study's plug-ins; of those that are installed here."""
    found = {}
    for record in spec.plugins.values():
        with suppress(metadata.PackageNotFoundError):
            if PACKAGE in record:
                found[record[PACKAGE]] = metadata.version(record[PACKAGE])
    return found


def module_checksums(spec: StudySpec) -> dict[str, str]:
    """SHA-256 of the files of modules that are plug-ins of a study, by the module's name.

    They change where a package is developed and its version stays. Modules that are missing here
    are left out.
    """
    found = {}
    for _, entry in _plugins(spec):
        module = entry.target.partition(":")[0]
        path = None if entry.target.startswith(foreign.COPIES + "/") else _module_file(module)
        if path is not None:
            found[module] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def keep_copies(spec: StudySpec, folder: Path) -> None:
    """Copy the files that a study names into its folder, from which they are used from now on.

    BrokenPlugin: a file has changed since it was read. OSError: the folder cannot be written.
    """
    for reference in files(spec):
        content = foreign.content_of(reference)
        copy = folder / reference.source
        copy.parent.mkdir(parents=True, exist_ok=True)
        write_whole(copy, content)
        foreign.locate(reference, copy)


def locate(spec: StudySpec, folder: Path) -> None:
    """Say that a study's files are the copies in its folder."""
    for reference in files(spec):
        foreign.locate(reference, folder / reference.source)


def check_copies(spec: StudySpec) -> None:
    """Raise BrokenPlugin if the copy of a file is missing or was altered."""
    for reference in files(spec):
        foreign.content_of(reference)


def changes(spec: StudySpec, folder: Path) -> Iterator[str]:
    """A line for each file that differs from the study's copy of it by now."""
    seen: set[Path] = set()
    for key, reference in references(spec).items():
        if reference.file is None:
            continue
        beside = folder / reference.file
        for path in (Path(spec.plugins.get(key, {}).get(FILE, beside)), beside):
            now = _checksum(path)
            if path not in seen and now not in (None, reference.checksum):
                seen.add(path)
                yield (
                    f"{path} has changed since the launch, SHA-256 "
                    f"{(reference.checksum or '')[:_SHOWN]} → {(now or '')[:_SHOWN]}: the study "
                    "runs its copy of it as it was"
                )


def _plugins(spec: StudySpec) -> Iterator[tuple[str, plugins.Entry]]:
    """What a study names that is not built in and is there, by key."""
    for key, name in _names(spec):
        first = name.partition(":")[0]
        if plugins.is_name(key, name):
            yield key, plugins.entry(key, name)
        elif key == "table" and first in plugins.registered(key):  # its data set follows
            yield key, plugins.entry(key, first)


def _names(spec: StudySpec) -> Iterator[tuple[str, str]]:
    """What a study names that is not built in, by key: code of the user's, or a path."""
    for key in KEYS:
        name = name_in(getattr(spec, key))
        if name is None or name in plugins.names(key):
            continue
        if key == "table" and name.partition(":")[0] in plugins.names(key):
            continue  # of a data set: nasbench201:cifar100
        yield key, name


def _with_name(value: Any, name: str) -> Any:
    """A value with another name in place of its own."""
    if isinstance(value, dict) and ERROR in value:
        return {**value, ERROR: _with_name(value[ERROR], name)}
    return name if isinstance(value, str) else {name: next(iter(value.values()))}


def _reference(path: Path, name: str, shown: str) -> str:
    if not name.isidentifier():
        raise UserError(f"{shown}: {name!r} is not a name in a Python file")
    if any(character.isspace() for character in path.name):
        raise UserError(f"{shown}: a file of code needs a name without spaces")
    try:
        if path.stat().st_size > LARGEST:
            raise UserError(f"{shown}: {path} is too large for a file of code")
        return foreign.reference_to(path, name)
    except OSError as error:
        raise UserError(f"{shown}: {path} cannot be read: {error.strerror}") from None


def _checksum(path: Path) -> str | None:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return None


def _module_file(module: str) -> Path | None:
    try:
        spec = find_spec(module)
    except (ImportError, ValueError):
        return None
    return Path(spec.origin) if spec is not None and spec.has_location and spec.origin else None


def _distribution(module: str) -> str | None:
    """The distribution that a module is of; None: it is on Python's path without one."""
    owners: Mapping[str, list[str]] = metadata.packages_distributions()
    return next(iter(owners.get(module.partition(".")[0], [])), None)
