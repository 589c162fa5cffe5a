"""Real limits: files that may not grow (any user), small and read-only file systems (root)."""

from __future__ import annotations

import resource
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from oneshot_hpo.experiments.benchmarks.survival.interception import Fault
from oneshot_hpo.experiments.benchmarks.survival.rows import Group, Progress, Row, fault_row
from oneshot_hpo.experiments.benchmarks.survival.study import command
from oneshot_hpo.experiments.benchmarks.survival.subjects import ShortStudy, Subject, subject_of

BYTES = range(1024, 16_384, 512)
"""Limits of a file's size."""
KILOBYTES = range(8, 72, 4)
"""Sizes of a file system."""


def real_limits(progress: Progress, every: int = 1) -> list[Row]:
    """A study that meets each limit, or each `every`-th, and resumes when it is lifted."""
    rows = []
    with subject_of(ShortStudy) as study:
        what = "study: files may not grow beyond a size (RLIMIT_FSIZE)"
        rows.append(_row(what, BYTES[::every], lambda size: _file_limit(study, size), progress))
    with subject_of(_MountedStudy) as study:
        if not _may_mount(study.folder):
            none = Row(Group.LIMITS, "study: small file systems", 0, 0, "only root may mount them")
            return [*rows, none]
        what = "study: a file system of 8 to 68 kB is full"
        rows.append(_row(what, KILOBYTES[::every], lambda size: _full(study, size), progress))
        what = "study: a read-only file system"
        rows.append(_row(what, [0, 1], lambda begun: _read_only(study, begun), progress))
    return rows


def _row(
    what: str, limits: Sequence[int], problem_at: Callable[[int], str], progress: Progress
) -> Row:
    failures = []
    for done, limit in enumerate(limits, start=1):
        if problem := problem_at(limit):
            failures.append(f"at {limit}: {problem}")
        progress(what, done, len(limits))
    return fault_row(Group.LIMITS, what, len(limits), failures)


def limited(size: int, *arguments: object) -> None:
    """`oneshot-hpo ARGUMENTS` while no file may grow beyond `size` bytes."""
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        command(*arguments)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))


class _MountedStudy(ShortStudy):
    """A study in a folder of a file system of its own, once that is mounted."""

    @property
    def folder(self) -> Path:
        return self._scratch / "disk" / "study"


def _file_limit(study: Subject, size: int) -> str:
    study.prepare()
    _, *arguments = study.begin()
    life = study.lives.live(study.folder, limited, size, *arguments)
    return life.unclear or study.finished_as_undisturbed()


def _full(study: Subject, kilobytes: int) -> str:
    with _mounted(study.folder.parent, f"size={kilobytes}k"):
        life = study.lives.live(study.folder, *study.begin())
        _remount(study.folder.parent, "size=10m")
        return life.unclear or study.finished_as_undisturbed()


def _read_only(study: Subject, begun: int) -> str:
    """Launched on a file system that is read-only, or resumed on one that has become so."""
    with _mounted(study.folder.parent, "size=10m"):
        if begun:
            study.lives.live(
                study.folder, *study.begin(), fault=Fault("before", len(study.operations) // 2)
            )
        _remount(study.folder.parent, "ro")
        life = study.lives.live(study.folder, *study.resume())
        _remount(study.folder.parent, "rw")
        if not life.code:
            return "it was not refused"
        return life.unclear or study.finished_as_undisturbed()


def _may_mount(folder: Path) -> bool:
    try:
        with _mounted(folder.parent, "size=100k"):
            return True
    except (OSError, subprocess.CalledProcessError):
        return False


@contextmanager
def _mounted(place: Path, options: str) -> Iterator[None]:
    place.mkdir(exist_ok=True)
    _run("mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place))
    try:
        yield
    finally:
        _run("umount", "--lazy", str(place))


def _remount(place: Path, option: str) -> None:
    _run("mount", "-o", f"remount,{option}", str(place))


def _run(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True)
