"""Folders and archives that somebody else has made to do harm: lock owners, links, tar bombs.

Nothing outside a study's folder may be changed, no process ended, no memory taken; every command
says what is wrong in one line.
"""

from __future__ import annotations

import gzip
import itertools
import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

from oneshot_hpo.experiments.benchmarks.survival.lives import Life
from oneshot_hpo.experiments.benchmarks.survival.rows import Group, Progress, Row
from oneshot_hpo.experiments.benchmarks.survival.study import command
from oneshot_hpo.experiments.benchmarks.survival.subjects import ShortStudy, Subject, subject_of
from oneshot_hpo.experiments.cli.exit_codes import USER_ERROR
from oneshot_hpo.experiments.study.folder import STUDY_NAMES
from oneshot_hpo.hpo.journal.lock import LOCK_NAME, OWNER_NAME
from oneshot_hpo.hpo.journal.owner import Owner
from oneshot_hpo.hpo.journal.process import started

_BYSTANDER = "import sys; file = open(sys.argv[1], 'a+'); print(flush=True); sys.stdin.read()"
_OLD_KEYS = ("host", "process", "started", "place", "token")
_LOCKS = ("no lock", "a lock", "a link to its file", "a second name of its file")
_LOOKING = (("status",), ("stop",))
_WRITING = (
    ("resume",),
    ("confirm",),
    ("check", "--mend"),
    ("export", "--to", "csv"),
    ("report",),
)
_TARGETS = ("a file", "a folder", "nothing")
_PIECE = 64 << 20
_MEMORY = 512 << 20
"""Bytes that a process which takes an archive in may have beside its code."""


def run(progress: Progress, every: int = 1) -> list[Row]:
    """A row for each kind; of the cases of each, every `every`-th."""
    with subject_of(ShortStudy) as subject:
        whole = subject.folder.rename(subject.folder.with_name("whole"))
        owners = list(itertools.product(("old", "new"), _LOCKS, _LOOKING))[::every]
        links = list(itertools.product(_links(whole), _TARGETS, _WRITING))[::every]

        return [
            _row(
                "a foreign lock owner: a record that names another process of the user's",
                [_case(_owner, subject, whole, *case) for case in owners],
                "the process lives; the study is not held, or it is said that it may be",
                progress,
            ),
            _row(
                "links in the folder: each name of a study's leads to a file, a folder or nothing",
                [_case(_link, subject, whole, *case) for case in links],
                "refused in a line that names the link; nothing outside was changed",
                progress,
            ),
            _row(
                "hostile archives: long headers, many members, links, devices, bombs, odd paths",
                [_case(_archive, subject, name) for name in list(ARCHIVES)[::every]],
                "refused in one line, within 512 MB; the data folder holds nothing",
                progress,
            ),
        ]


Case = tuple[str, Callable[[], str]]
"""What is tried, in words, and the function that tries it: what is wrong, or nothing."""


def _case(problem: Callable[..., str], *arguments: object) -> Case:
    """A case of a kind."""
    words = ", ".join(str(a) for a in arguments if not isinstance(a, Subject | Path))
    return words, lambda: problem(*arguments)


def _row(what: str, cases: Sequence[Case], checked: str, progress: Progress) -> Row:
    failures = []
    for done, (words, problem) in enumerate(cases, start=1):
        if found := problem():
            failures.append(f"{words}: {found}")
        progress(what, done, len(cases))
    note = failures[0] if failures else checked
    return Row(Group.HOSTILE, what, len(cases), len(cases) - len(failures), note)


def _owner(subject: Subject, whole: Path, keys: str, lock: str, arguments: tuple[str, ...]) -> str:
    """A record that is as good as anybody could make it up."""
    _copy(whole, subject.folder)
    notes = subject.folder.with_name("notes")
    with _bystander(notes) as process:
        owner = replace(
            Owner.this_process(subject.folder), process=process.pid, started=started(process.pid)
        )
        document = asdict(owner)
        if keys == "old":
            document = {key: document[key] for key in _OLD_KEYS}
        (subject.folder / OWNER_NAME).write_text(json.dumps(document))
        (subject.folder / LOCK_NAME).unlink(missing_ok=True)
        if lock == "a lock":
            (subject.folder / LOCK_NAME).touch()
        elif lock == "a link to its file":
            (subject.folder / LOCK_NAME).symlink_to(notes)
        elif lock == "a second name of its file":
            (subject.folder / LOCK_NAME).hardlink_to(notes)
        life = _live(subject, command, *arguments, subject.folder)
        if process.poll() is not None:
            return "the process was ended"
    return life.unclear


@contextmanager
def _bystander(notes: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that has a file of its own open and waits until it is not needed any more."""
    process = subprocess.Popen(
        [sys.executable, "-c", _BYSTANDER, str(notes)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
    finally:
        process.communicate("")


def _links(whole: Path) -> list[str]:
    """Names in a study's folder that can be a link: its own, and some below."""
    return [*STUDY_NAMES, "logs/worker-0.log", "exports/csv", "report/index.html", "trials/0-0-0"]


def _link(subject: Subject, whole: Path, name: str, target: str, arguments: tuple[str, ...]) -> str:
    """A command on a study in which one thing is a link that leads out of it."""
    _copy(whole, subject.folder)
    outside = subject.folder.with_name("outside")
    shutil.rmtree(outside, ignore_errors=True)
    (outside / "folder").mkdir(parents=True)
    (outside / "folder" / "mine").write_text("mine")
    (outside / "file").write_bytes((whole / "journal.jsonl").read_bytes())
    path = subject.folder / name
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    path.parent.mkdir(exist_ok=True)
    path.symlink_to(outside / {"a file": "file", "a folder": "folder"}.get(target, "nothing"))
    before = _contents(outside)
    life = _live(subject, command, arguments[0], subject.folder, *arguments[1:])
    if _contents(outside) != before:
        return "something outside was changed"
    refused = life.code == USER_ERROR and ("symbolic link" in life.complaint)
    if not refused and not (name == "journal.jsonl" and "holds no study" in life.complaint):
        return f"not refused: {life.code} {life.complaint.strip()}"
    return life.unclear


def _live(subject: Subject, deed: Callable[..., int | None], *arguments: object) -> Life:
    """A life whose changes of files nobody has to see."""
    return subject.lives.live(subject.folder.with_name("unseen"), deed, *arguments)


def _copy(whole: Path, folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(whole, folder)


def _contents(folder: Path) -> dict[str, bytes | None]:
    return {
        str(path): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }


def _packed(*headers: bytes, zeros: int = 1024) -> bytes:
    """Headers and many zeros, packed: what is repeated is packed once."""
    packed = gzip.compress(b"".join(headers))
    if zeros < _PIECE:
        return packed + gzip.compress(bytes(zeros))
    return packed + gzip.compress(bytes(_PIECE)) * (zeros // _PIECE)


def _header(kind: bytes = tarfile.REGTYPE, **values: object) -> bytes:
    member = tarfile.TarInfo("cifar-10-batches-py/data_batch_1")
    member.type = kind
    for key, value in values.items():
        setattr(member, key, value)
    return member.tobuf(tarfile.GNU_FORMAT)


ARCHIVES: dict[str, Callable[[], bytes]] = {
    "a PAX header of 3 GiB": lambda: _packed(_header(tarfile.XHDTYPE, size=3 << 30), zeros=3 << 30),
    "a long name of 3 GiB": lambda: _packed(
        _header(tarfile.GNUTYPE_LONGNAME, size=3 << 30), zeros=3 << 30
    ),
    "a million members": lambda: gzip.compress(_header(name="x") * 1000) * 1000,
    "a file of 1 TB": lambda: _packed(_header(size=1 << 40)),
    "a file of 1 GiB of lists": lambda: gzip.compress(
        _header(name="batches.meta", size=1 << 24) + b"\x80\x02" + b"]" * ((1 << 24) - 2)
    ),
    "a bomb behind the end": lambda: _packed(zeros=8 << 30),
    "a dangling link": lambda: _packed(_header(tarfile.SYMTYPE, linkname="nowhere")),
    "a link to itself": lambda: _packed(
        _header(tarfile.SYMTYPE, linkname="cifar-10-batches-py/data_batch_1")
    ),
    "a hard link to a file of the machine": lambda: _packed(
        _header(tarfile.LNKTYPE, linkname="/etc/passwd")
    ),
    "a device": lambda: _packed(_header(tarfile.CHRTYPE, devmajor=1, devminor=5)),
    "a path that leads out": lambda: _packed(_header(name="../../data_batch_1", size=3)),
    "an absolute path": lambda: _packed(_header(name="/tmp/data_batch_1", size=3)),
    "a negative size": lambda: _packed(_header(size=-1)),
    "a name for a terminal": lambda: _packed(_header(name="\x1b[2J/data_batch_1", size=1 << 40)),
    "a header cut short": lambda: gzip.compress(_header()[:100]),
}
"""Archives that are to be taken in as cifar-10-python.tar.gz, by what is wrong with them."""


def _archive(subject: Subject, name: str) -> str:
    """An archive that is taken into an empty data folder."""
    archive = subject.folder.with_name("cifar-10-python.tar.gz")
    archive.write_bytes(ARCHIVES[name]())
    data = subject.folder.with_name("data")
    shutil.rmtree(data, ignore_errors=True)
    life = _live(subject, take_in, archive, data)
    left = [path.name for path in data.rglob("*") if path.name != ".lock"]
    if life.code != USER_ERROR or "cifar-10-python.tar.gz" not in life.complaint:
        return f"not refused: {life.code} {life.complaint.strip()}"
    return life.unclear or (f"left in the data folder: {left}" if left else "")


def take_in(archive: Path, data: Path) -> None:
    """`oneshot-hpo data import ARCHIVE` with an own data folder and little memory."""
    import resource

    held = int(Path("/proc/self/statm").read_text().split()[5]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_DATA, (held + _MEMORY, resource.RLIM_INFINITY))
    os.environ["ONESHOT_HPO_DATA"] = str(data)
    command("data", "import", archive)
