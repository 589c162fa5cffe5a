"""Files cut at every byte, and with every byte flipped: nothing wrong may be read from them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from oneshot_hpo.experiments.benchmarks.survival.extended import ExtendedStudy, StoppedStudy
from oneshot_hpo.experiments.benchmarks.survival.interception import Fault
from oneshot_hpo.experiments.benchmarks.survival.rows import Group, Progress, Row
from oneshot_hpo.experiments.benchmarks.survival.subjects import (
    ConfirmationSubject,
    SearchSubject,
    Subject,
    subject_of,
)
from oneshot_hpo.experiments.study.folder import CONFIRMATION
from oneshot_hpo.experiments.study.trial import RESULT, finished_result
from oneshot_hpo.hpo import Confirmation, CorruptJournal, Study
from oneshot_hpo.hpo.confirmation_view import CONFIRMATION_NAME
from oneshot_hpo.hpo.confirmation_view import EVENTS as CONFIRMATION_EVENTS
from oneshot_hpo.hpo.journal.events import Kinds
from oneshot_hpo.hpo.journal.file import JOURNAL_NAME, read_journal
from oneshot_hpo.hpo.study_events import EVENTS, EXTENSION, STOP_REACHED
from oneshot_hpo.searchers.checkpoint import CHECKPOINT, DamagedCheckpoint, load_checkpoint

FLIPS = (0x01, 0x20, 0xFF)
"""What a byte is flipped with: its lowest bit, the bit of lower case, all bits."""


def altered_files(progress: Progress, every: int = 1) -> list[Row]:
    """Cut and flip at each byte, or each `every`-th."""
    rows = []
    with subject_of(ConfirmationSubject) as subject:
        subject.prepare()
        subject.lives.live(subject.folder, *subject.begin())
        study = subject.folder / JOURNAL_NAME
        confirmation = subject.folder / CONFIRMATION / CONFIRMATION_NAME
        for name, path, kinds, work in (
            ("study's journal", study, EVENTS, Study),
            ("confirmation's journal", confirmation, CONFIRMATION_EVENTS, Confirmation),
        ):
            opened = partial(work.open, path.parent)
            cut = partial(_cut_journal, path, path.read_bytes(), kinds, opened)
            rows.append(_each(f"{name} cut at a byte", path, cut, every, progress))
            flip = partial(_flipped_journal, path, path.read_bytes(), kinds)
            rows.append(_each(f"{name} with a byte flipped", path, flip, every, progress))

    for make, event in ((ExtendedStudy, EXTENSION), (StoppedStudy, STOP_REACHED)):
        with subject_of(make) as subject:
            subject.prepare()
            subject.lives.live(subject.folder, *subject.begin())
            rows += _altered_event(subject.folder / JOURNAL_NAME, event, every, progress)

    with subject_of(partial(SearchSubject, searcher="darts")) as subject:
        subject.prepare()
        subject.lives.live(subject.folder, *subject.begin())
        path = subject.folder / RESULT
        for name, alter in (("cut at a byte", _cut), ("with a byte flipped", _flip)):
            damaged = partial(_damaged_result, path, path.read_bytes(), alter)
            rows.append(_each(f"trial's result {name}", path, damaged, every, progress))
        path = _checkpoint(subject)
        for name, alter in (("cut at a byte", _cut), ("with a byte flipped", _flip)):
            damaged = partial(_damaged_checkpoint, path, path.read_bytes(), alter)
            rows.append(_each(f"checkpoint {name}", path, damaged, every, progress))
    return rows


def _altered_event(path: Path, event: str, every: int, progress: Progress) -> list[Row]:
    """Rows for the first event of a kind in a study's journal."""
    content = path.read_bytes()
    start = content.index(f'{{"event": "{event}"'.encode())
    # A sample of a journal may miss a line of it.
    places = range(start, content.index(b"\n", start) + 1, min(every, 20))

    name = f'"{event}" in a journal'
    cut = partial(_cut_journal, path, content, EVENTS, partial(Study.open, path.parent))
    flip = partial(_flipped_journal, path, content, EVENTS)
    return [
        _each(f"{name} cut at a byte", path, cut, 1, progress, places),
        _each(f"{name} with a byte flipped", path, flip, 1, progress, places),
    ]


def _each(
    what: str,
    path: Path,
    problems: Callable[[int], list[str]],
    every: int,
    progress: Progress,
    places: range | None = None,
) -> Row:
    """A row for what is wrong after each alteration at each byte, or each of `places`."""
    content = path.read_bytes()
    tried, failures = 0, []
    for place in (places or range(len(content)))[::every]:
        found = problems(place)
        tried += len(found)
        failures += [f"at byte {place}: {problem}" for problem in found if problem]
        if place % 100 == 0:
            progress(what, place, len(content))
    path.write_bytes(content)
    progress(what, len(content), len(content))
    note = failures[0] if failures else "found out and left as it is, or cut to whole lines"
    return Row(Group.ALTERED, what, tried, tried - len(failures), note)


def _cut_journal(
    path: Path, content: bytes, kinds: Kinds, opened: Callable[[], Study | Confirmation], place: int
) -> list[str]:
    """Opened by a master it is cut to whole lines; without a header it is refused and left."""
    path.write_bytes(content[:place])
    whole = content[:place].rfind(b"\n") + 1
    try:
        with opened():
            pass
    except CorruptJournal:
        if not whole and path.read_bytes() == content[:place]:
            return [""]
        return ["refused"]
    if not whole or path.read_bytes() != content[:whole]:
        return ["not cut to whole lines"]
    read_journal(path, kinds)
    return [""]


def _flipped_journal(path: Path, content: bytes, kinds: Kinds, place: int) -> list[str]:
    problems = []
    for flip in FLIPS:
        path.write_bytes(_flip(content, place, flip))
        try:
            read_journal(path, kinds)
        except CorruptJournal:
            problems.append("")
        else:
            problems.append(f"flipped with {flip:#x} and not found out")
    return problems


def _damaged_checkpoint(
    path: Path, content: bytes, alter: Callable[[bytes, int], bytes], place: int
) -> list[str]:
    path.write_bytes(alter(content, place))
    try:
        load_checkpoint(path.parent)
    except DamagedCheckpoint:
        return [""]
    return ["not found out"]


def _damaged_result(
    path: Path, content: bytes, alter: Callable[[bytes, int], bytes], place: int
) -> list[str]:
    path.write_bytes(alter(content, place))
    return ["" if finished_result(path.parent) is None else "not found out"]


def _checkpoint(subject: Subject) -> Path:
    """The checkpoint of a search that was killed before it removed it."""
    subject.prepare()
    removal = next(o for o in subject.operations if o.name == "unlink")
    subject.lives.live(subject.folder, *subject.begin(), fault=Fault("before", removal.number))
    return subject.folder / CHECKPOINT


def _cut(content: bytes, place: int) -> bytes:
    return content[:place]


def _flip(content: bytes, place: int, flip: int = FLIPS[0]) -> bytes:
    return content[:place] + bytes([content[place] ^ flip]) + content[place + 1 :]
