"""Writes an export's folder whole or not at all, and replaces nothing but exports."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import version
from pathlib import Path

from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.whole_files import sync_folder

MARK = "oneshot-hpo-export.json"
"""The file in an export that names its study and tool."""
_STALE_SECONDS = 3600.0


@contextmanager
def export_folder(
    target: Path,
    study: OpenedStudy,
    tool: str,
    *,
    force: bool = False,
    continued: str | None = None,
    configspace: str | None = None,
) -> Iterator[Path]:
    """A new folder to write into, which takes the place of `target` when the body ends well.

    An earlier export of the same study for the same tool is replaced, another one with `force`.
    continued: a file that is copied from the earlier export, to append to it. configspace: an
    option of the export, recorded so that it can be repeated.
    UserError: `target` is something else, or cannot be written.
    """
    target = target.resolve()
    is_same = _check_replaceable(target, study, tool, force=force)
    _remove_leftovers(target)

    unique = secrets.token_hex(8)
    new, old = (target.with_name(f".{target.name}.{unique}.{end}") for end in ("new", "old"))
    try:
        new.mkdir(parents=True)
        if continued is not None and is_same and (target / continued).is_file():
            shutil.copyfile(target / continued, new / continued)
        yield new
        mark = {
            "tool": tool,
            "study": study.identity,
            "name": study.name,
            "evaluations": len(study.view.evaluations),
            "configspace": configspace,
            "oneshot-hpo": version("oneshot-hpo"),
        }

        (new / MARK).write_text(json.dumps(mark, indent=1) + "\n")
        _sync(new)
        _swap(new, target, old)
    except OSError as error:
        raise UserError(
            f"{target} cannot be written ({error.strerror or error}); choose another place with "
            "--out"
        ) from None
    finally:
        for leftover in (new, old):
            shutil.rmtree(leftover, ignore_errors=True)


def _remove_leftovers(target: Path) -> None:
    """Remove leftovers of exports to this place that were killed over an hour ago."""
    for path in target.parent.glob(f".{target.name}.*"):
        with suppress(OSError):
            if (
                is_leftover(path, target.name)
                and time.time() - path.stat().st_mtime > _STALE_SECONDS
            ):
                shutil.rmtree(path)


def is_leftover(path: Path, name: str) -> bool:
    """Whether a folder is a leftover of an export called `name` that was killed.

    The old folder has its mark; in the new one the mark is written last.
    """
    unique = re.fullmatch(rf"\.{re.escape(name)}\.[0-9a-f]{{16}}\.(new|old)", path.name)
    if unique is None or path.is_symlink() or not path.is_dir():
        return False
    return unique[1] == "new" or (path / MARK).is_file()


def _check_replaceable(target: Path, study: OpenedStudy, tool: str, *, force: bool) -> bool:
    """Whether `target` is an export of the same study for the same tool.

    UserError unless it is one, is missing or empty, or is an export that may be replaced.
    """
    try:
        if not target.exists() or (target.is_dir() and not any(target.iterdir())):
            return False
        mark = json.loads((target / MARK).read_text())
        same = (mark["study"], mark["tool"]) == (study.identity, tool)
        what = f"an export of study {mark['name']} for {mark['tool']}"
    except (OSError, ValueError, KeyError, TypeError):
        raise UserError(
            f"{target} exists and is not an export; choose another place with --out"
        ) from None
    if not (same or force):
        raise UserError(f"{target} is {what}; choose another place with --out, or add --force")
    return same


def _sync(folder: Path) -> None:
    """Sync a folder and everything in it to disk."""
    for path in folder.rglob("*"):
        if path.is_dir():
            sync_folder(path)
        else:
            with path.open("rb") as file:
                os.fsync(file.fileno())
    sync_folder(folder)


def _swap(new: Path, target: Path, old: Path) -> None:
    """Rename `new` to `target`; after a kill the old or the new folder is still complete."""
    if not (target / MARK).exists():
        new.replace(target)
        return
    target.replace(old)
    try:
        new.replace(target)
    except OSError:
        old.replace(target)
        raise
