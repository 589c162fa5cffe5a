"""Two masters on one study: the second one is refused, and a dead one is followed.

On one host and on two, where flock(2) works, does nothing, or fails. The second host is this one
under another name, with another boot id: that is all by which a master knows where it is.
"""

from __future__ import annotations

import errno
import fcntl
import itertools
import os
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import oneshot_hpo.hpo.journal.lock
import oneshot_hpo.hpo.journal.owner
from oneshot_hpo.experiments.benchmarks.survival import study
from oneshot_hpo.experiments.benchmarks.survival.interception import Fault
from oneshot_hpo.experiments.benchmarks.survival.lives import Lives
from oneshot_hpo.experiments.benchmarks.survival.rows import Group, Progress, Row
from oneshot_hpo.experiments.benchmarks.survival.subjects import ShortStudy, Subject, subject_of
from oneshot_hpo.experiments.cli.exit_codes import USER_ERROR
from oneshot_hpo.hpo.journal.lock import OWNER_NAME

HOSTS = ("one", "two")
LOCKS = ("flock", "flock does nothing", "flock fails")
_STALE_SECONDS = 10.0


def run(progress: Progress) -> list[Row]:
    """A row for living masters, one for dead ones."""
    rows = []
    cases = list(itertools.product(HOSTS, LOCKS))
    with subject_of(ShortStudy) as subject:
        for what, problem_at, checked in (
            ("second master beside a living one", _beside, "refused; the first one finished"),
            ("second master after a killed one", _after, "let in; resumed to the same outcome"),
        ):
            failures = []
            for done, (host, locks) in enumerate(cases, start=1):
                if problem := problem_at(subject, host, locks):
                    failures.append(f"host {host}, {locks}: {problem}")
                progress(what, done, len(cases))
            kind = f"{what}, on one host and on two, with flock and without"
            note = failures[0] if failures else checked
            rows.append(Row(Group.MASTERS, kind, len(cases), len(cases) - len(failures), note))
    return rows


def master(host: str, locks: str, until: Path | None, *arguments: object) -> None:
    """A command of a master on `host`, whose trials end once the file `until` is there."""
    socket.gethostname = lambda: host
    oneshot_hpo.hpo.journal.owner._place = lambda: f"boot of {host}"  # type: ignore[assignment]
    oneshot_hpo.hpo.journal.lock.HEARTBEAT_SECONDS, oneshot_hpo.hpo.journal.lock.STALE_SECONDS = (
        0.1,
        _STALE_SECONDS,
    )
    if locks != "flock":
        fcntl.flock = _no_flock if locks == "flock fails" else lambda *_: None
    instant = study.instant_trial

    def trial(task: Any) -> dict[str, Any]:
        while until is not None and not until.exists():
            time.sleep(0.05)
        return instant(task)

    study.instant_trial = trial
    study.command(*arguments)


def _beside(subject: Subject, host: str, locks: str) -> str:
    subject.prepare()
    until = subject.folder.with_name("until")
    until.unlink(missing_ok=True)
    _, *launch = subject.begin()
    with ThreadPoolExecutor() as threads:
        first = threads.submit(_lives(subject), master, "one", locks, until, *launch)
        while not (subject.folder / "study.yaml").exists() and not first.done():
            time.sleep(0.05)
        second = subject.lives.live(
            subject.folder, master, host, locks, None, "resume", subject.folder
        )
        until.touch()
        life = first.result()
    if second.code != USER_ERROR or "held by another master (host one" not in second.complaint:
        return f"not refused: {second.code} {second.complaint}"
    if life.code:
        return f"the first one failed: {life.complaint}"
    return "" if subject.outcome() == subject.whole else "another outcome"


def _after(subject: Subject, host: str, locks: str) -> str:
    subject.prepare()
    _, *launch = subject.begin()
    half = Fault("before", len(subject.operations) // 2)
    subject.lives.live(subject.folder, master, "one", locks, None, *launch, fault=half)
    if not (subject.folder / OWNER_NAME).exists():
        return "the first one left no record"
    life = subject.lives.live(subject.folder, master, host, locks, None, "resume", subject.folder)
    if life.code:
        return f"not let in: {life.complaint}"
    if ("it is watched for" in life.complaint) != (host == "two"):
        return f"waited where it need not, or not where it has to: {life.complaint!r}"
    return "" if subject.outcome() == subject.whole else "another outcome"


def _lives(subject: Subject) -> Callable[..., Any]:
    """Lives beside those of the subject, with files of their own."""
    scratch = subject.folder.with_name("beside")
    scratch.mkdir(exist_ok=True)
    lives = Lives(scratch)
    return lambda *deed: lives.live(subject.folder, *deed)


def _no_flock(*_: object) -> None:
    raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))
