"""The keys of a study file as they are read, and KEY=VALUE overrides of them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib import resources
from pathlib import Path
from typing import Any

from oneshot_hpo.experiments.errors import StudyFileError, UserError, one_line
from oneshot_hpo.experiments.study import own_code
from oneshot_hpo.experiments.study.yaml_files import YamlError, load_yaml
from oneshot_hpo.plugins import is_name
from oneshot_hpo.search_spaces.table_file import is_table_name
from oneshot_hpo.suggestions import did_you_mean

FILE_KEYS: dict[str, Callable[[str], bool]] = {
    "dataset": functools.partial(is_name, "dataset"),
    "table": is_table_name,
}
"""Keys that hold a known name or the path of a file, and whether a value is such a name."""

CONFIG_SPACE, BASE = "config_space", "base"
"""The key of the configuration space, and in its section that of the one which it changes."""

COMMAND, CWD = "command", "cwd"
"""The key of a program that runs as a trial, and that of the folder in which it runs."""

ON_END, ON_TROUBLE = "on_end", "on_trouble"
"""The keys of the commands that run when a study has ended, or cannot continue."""

LARGEST = 1_000_000
"""Bytes of a study file, or of one that it names."""
GRID = "grid"
"""The key of a file that describes several studies; experiments.grids reads such files."""


def read_document(source: str, overrides: Sequence[str] = ()) -> dict[str, Any]:
    """The keys of a study file, or of a shipped study, with KEY=VALUE overrides laid over them.

    A relative path of a data set, table, configuration space or command's folder is relative to
    the study file's folder; in an override, to the current folder. A file of code lies beside the
    study file in any case. Words of a notice's command that name a file there get its path.

    StudyFileError: the file cannot be read.
    """
    path = _find(source)
    try:
        if path.stat().st_size > LARGEST:
            raise StudyFileError(f"{source}: too large for a study file")
        document = load_yaml(path.read_text(encoding="utf-8"))
    except YamlError as error:
        raise StudyFileError(f"{source}: {error}") from None
    except UnicodeDecodeError:
        raise StudyFileError(f"{source}: not a text file in UTF-8") from None
    except OSError as error:
        raise StudyFileError(f"{source}: cannot be read: {error.strerror}") from None
    if not isinstance(document, dict):
        raise StudyFileError(f"{source}: a study file holds lines of the form 'key: value'")
    _anchor(document, path.parent)
    document.setdefault("name", path.stem)
    for override in overrides:
        override_key(document, override)
    try:
        own_code.anchor(document, path.parent)
        _anchor_axes(document.get(GRID), path.parent)
    except UserError as error:
        raise StudyFileError(f"{source}: {error}") from None
    if COMMAND in document:
        document.setdefault(CWD, str(Path.cwd()))
    return document


def parse_overrides(overrides: Sequence[str]) -> dict[str, Any]:
    """A document of KEY=VALUE overrides alone; StudyFileError if one cannot be read."""
    document: dict[str, Any] = {}
    for override in overrides:
        override_key(document, override)
    return document


def shipped_studies() -> dict[str, Path]:
    """The studies that come with this package, by name."""
    folder = Path(str(resources.files("oneshot_hpo.experiments") / "studies"))
    return dict(sorted((path.stem, path) for path in folder.glob("*.yaml")))


def _find(source: str) -> Path:
    with suppress(OSError):  # a name that is not a possible file name
        if Path(source).is_file():
            return Path(source)
    shipped = shipped_studies()
    if source not in shipped:
        raise StudyFileError(
            f"{source}: no such study file, nor a shipped study: "
            f"{did_you_mean(source, shipped, with_all=True)}"
        )
    return shipped[source]


def is_space_file(config_space: str) -> bool:
    """Whether this is the path of a configuration space's file, and no name of one."""
    return "/" in config_space or Path(config_space).suffix in (".json", ".yaml", ".yml")


def _anchor(document: dict[str, Any], folder: Path) -> None:
    if COMMAND in document:
        document.setdefault(CWD, ".")
    for key in (*FILE_KEYS, CONFIG_SPACE, CWD, ON_END, ON_TROUBLE):
        if key in document:
            document[key] = _anchored(key, document[key], folder)
    grid = document.get(GRID)
    if isinstance(grid, dict) and isinstance(spaces := grid.get(CONFIG_SPACE), list):
        grid[CONFIG_SPACE] = [_anchored(CONFIG_SPACE, space, folder) for space in spaces]


def _anchor_axes(grid: Any, folder: Path) -> None:
    """Replace the files of code that a grid varies by references."""
    for key in own_code.KEYS:
        if isinstance(grid, dict) and isinstance(values := grid.get(key), list):
            grid[key] = [own_code.anchored(value, folder) for value in values]


def _anchored(key: str, value: Any, folder: Path) -> Any:
    """A value, its path taken from the folder if it is one."""
    if key == CONFIG_SPACE and isinstance(value, dict) and BASE in value:
        return value | {BASE: _anchored(key, value[BASE], folder)}
    if key in (ON_END, ON_TROUBLE) and isinstance(value, list):
        return [_anchored_word(word, folder, place == 0) for place, word in enumerate(value)]
    if not isinstance(value, str) or own_code.names_a_file(value):
        return value
    with suppress(OSError, ValueError):  # not a path: opening it gives the message
        if key == CWD:
            is_path = True
        elif key == CONFIG_SPACE:
            is_path = is_space_file(value)
        elif key not in FILE_KEYS or FILE_KEYS[key](value):
            is_path = False
        else:
            is_path = "/" in value or value.endswith(".npz") or (folder / value).exists()
        if is_path:
            return str((folder / value).resolve())
    return value


def _anchored_word(word: Any, folder: Path, is_program: bool) -> Any:
    """A word of a command that runs elsewhere: a file's whole path, if it names one of the folder.

    A program without a slash is looked for on the PATH. Links are kept: of a program, the name by
    which it is called may matter.
    """
    if not isinstance(word, str) or (is_program and "/" not in word) or word.startswith("-"):
        return word
    with suppress(OSError, ValueError):  # not a path
        path = (folder / word).absolute()
        if is_program or path.is_file():
            return str(path)
    return word


def override_key(document: dict[str, Any], override: str) -> None:
    """Lay one KEY=VALUE, with dots in KEY for a section's keys, over a document in place.

    StudyFileError: it cannot be read.
    """
    dotted, equals, text = override.partition("=")
    if not equals or not dotted.strip() or dotted.strip().endswith("."):
        raise StudyFileError(f"--set {override}: must be KEY=VALUE")
    try:
        value = load_yaml(text)
    except YamlError as error:
        raise StudyFileError(f"--set {override}: {one_line(error)}") from None
    try:
        lay(document, dotted.strip(), value)
    except StudyFileError as error:
        raise StudyFileError(f"--set {override}: {error}") from None


def lay(document: dict[str, Any], dotted: str, value: Any) -> None:
    """Set one key of a document in place, with dots for a section's keys.

    A relative path is relative to the current folder. StudyFileError: KEY names a section that is
    not one.
    """
    *sections, key = dotted.split(".")
    named = CONFIG_SPACE if [*sections, key] == [CONFIG_SPACE, BASE] else key
    changed = {key: _anchored(named, value, Path.cwd())}
    for section in sections:
        document = document.setdefault(section, {})
        if not isinstance(document, dict):
            raise StudyFileError(f"{section} is not a section of keys")
    document.update(changed)
