import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from oneshot_hpo.hpo.errors import (
    CorruptJournal,
    InvalidEvent,
    NewerJournal,
    StudyNotFound,
    StudyUnwritable,
)
from oneshot_hpo.hpo.journal.events import check_event
from oneshot_hpo.hpo.journal.file import FORMAT, Journal, read_journal
from oneshot_hpo.hpo.journal.line import sealed
from oneshot_hpo.hpo.study_events import EVENTS as KINDS

PRIOR = [{"config": {"x": 0.2}, "budget": 3, "loss": None}]
HEADER = {
    "event": "header",
    "format": FORMAT,
    "study": {},
    "optimizer": {},
    "space": {},
    "prior": PRIOR,
    "time": 0,
}
ASK = {"event": "ask", "seq": 0, "id": [0, 0, 1], "budget": 3, "config": {"x": 0.1}, "info": {}}
TELL = {
    "event": "tell",
    "seq": 1,
    "id": [0, 0, 1],
    "budget": 3,
    "loss": 0.5,
    "info": {},
    "exception": None,
    "timestamps": {"started": 1.5},
}
RETRY = {"event": "retry", "id": [0, 0, 1], "budget": 3, "attempt": 1, "reason": "worker killed"}
AGAIN = {"event": "crash retried", "format": 4, "seq": 2, "id": [0, 0, 1], "budget": 3}
EVENTS = [{**event, "time": 1.5} for event in (ASK, RETRY, TELL)]


def line_of(event: dict[str, Any]) -> bytes:
    return sealed(event)[:-1]


def write(path: Path) -> Path:
    journal = Journal.create(path, HEADER)
    for event in EVENTS:
        journal.append(event)
    journal.close()
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write(tmp_path / "journal.jsonl")


def test_events_come_back_in_order(path: Path) -> None:
    events, size = read_journal(path)
    assert events[1:] == EVENTS
    assert size == path.stat().st_size
    assert [json.loads(line)["event"] for line in path.read_text().splitlines()] == [
        "header",
        "ask",
        "retry",
        "tell",
    ]
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.slow
def test_a_torn_last_line_is_ignored_by_readers_and_cut_off_by_writers(path: Path) -> None:
    whole = path.read_bytes()
    start = whole[:-1].rindex(b"\n") + 1
    for end in range(start, len(whole)):
        path.write_bytes(whole[:end])
        events, size = read_journal(path)
        assert (events[1:], size) == (EVENTS[:2], start)
        assert path.read_bytes() == whole[:end]
        journal = Journal(path, size)
        assert path.read_bytes() == whole[:start]
        journal.append({**TELL, "time": 1.5})
        journal.close()
        assert path.read_bytes() == whole


@pytest.mark.parametrize("line", [2, 3])
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", "not a JSON object"),
        (b"{", "not a JSON object"),
        (b"[1]", "not a JSON object"),
        (b'{"event": "ask", "loss": NaN}', "NaN"),
        (b'{"event": "ask", "loss": Infinity}', "Infinity"),
        (b"\x00" * 10, "not a JSON object"),
        (b"[" * 100_000, "not a JSON object"),
        (json.dumps({**ASK, "time": 0}).encode(), "its checksum is missing"),
        (line_of({**ASK, "time": 0}).replace(b"0.1", b"0.2"), "its checksum is wrong"),
        (line_of({**ASK, "event": "promote", "time": 0}), "unknown event 'promote'"),
        (line_of({**ASK, "event": ["ask"], "time": 0}), "unknown event"),
        (line_of(ASK), "time must be"),
        (line_of({**ASK, "time": "noon"}), "time must be"),
        (line_of(HEADER), "a second header"),
        (line_of({**ASK, "extra": 1, "time": 0}), "ask has unknown keys: extra"),
    ],
)
def test_a_bad_line_is_named_and_nothing_changes(
    path: Path, line: int, text: bytes, reason: str
) -> None:
    lines = path.read_bytes().splitlines()
    lines[line - 1] = text
    path.write_bytes(b"\n".join(lines))  # and the last line is torn
    before = path.read_bytes()
    with pytest.raises(CorruptJournal, match=reason) as error:
        read_journal(path)
    assert str(error.value).startswith(f"{path}, line {line}: ")
    assert error.value.line == line
    assert path.read_bytes() == before


@pytest.mark.parametrize("content", [b"", b'{"event": "hea', b"\x00\x00"])
def test_a_missing_header_is_explained(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(CorruptJournal, match="line 1: the header is missing"):
        read_journal(path)


def test_a_journal_that_starts_with_another_event_is_corrupt(path: Path) -> None:
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[1:]))
    with pytest.raises(CorruptJournal, match="line 1: the header is missing"):
        read_journal(path)


def test_a_newer_format_is_refused_whatever_its_other_lines(path: Path) -> None:
    path.write_text(json.dumps({"event": "header", "format": FORMAT + 1}) + "\nwhatever\n")
    with pytest.raises(NewerJournal, match=f"journal format {FORMAT + 1}.*update oneshot-hpo"):
        read_journal(path)


def test_a_journal_of_format_1_is_read_as_one_without_prior(path: Path) -> None:
    old = {k: v for k, v in HEADER.items() if k != "prior"} | {"format": 1}
    path.write_text("".join(json.dumps(event) + "\n" for event in [old, *EVENTS]))
    events, _ = read_journal(path)
    assert events == [old | {"prior": []}, *EVENTS]


def test_a_folder_without_a_journal_has_no_study(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "missing"):
        with pytest.raises(StudyNotFound, match=str(folder)):
            read_journal(folder / "journal.jsonl")


BAD_VALUES: dict[str, list[Any]] = {
    "seq": [-1, 1.0, True, None],
    "id": [[0, 0], [0, 0, "1"], [-1, 0, 1], "0-0-1", [0, 0, -2], [0, 0, True]],
    "budget": [0, -1, "3", None, True],
    "config": [[], None],
    "info": ["", None],
    "loss": ["0.5", True, float("nan"), float("inf")],
    "exception": [1, ["x"]],
    "timestamps": [[], {"started": None}, {"started": float("nan")}],
    "attempt": [-1, "1"],
    "reason": [None, 3],
    "format": ["1", None],
    "study": [None],
    "optimizer": [[]],
    "space": [1],
    "prior": [None, [[]], [PRIOR[0] | {"loss": "0.1"}], [PRIOR[0] | {"id": 1}], [{"budget": 3}]],
}


@pytest.mark.parametrize("event", [HEADER, *EVENTS, AGAIN])
def test_every_key_of_every_event_is_required_and_checked(event: dict[str, Any]) -> None:
    check_event(event, KINDS)
    for key in event.keys() - {"event", "time"}:
        with pytest.raises(InvalidEvent, match=key):
            check_event({k: v for k, v in event.items() if k != key}, KINDS)
        for value in BAD_VALUES[key]:
            with pytest.raises(InvalidEvent, match=key):
                check_event({**event, key: value}, KINDS)


def test_an_event_of_a_newer_version_names_the_format_that_it_needs(path: Path) -> None:
    journal = Journal(path, path.stat().st_size)
    journal.append({"event": "moon phase", "format": FORMAT + 1, "phase": 0.5, "time": 2})
    journal.close()
    with pytest.raises(
        NewerJournal, match=rf"line 5: the event 'moon phase' .*journal format {FORMAT + 1}.*update"
    ):
        read_journal(path)


@pytest.mark.parametrize("kind", [name for name in KINDS if KINDS[name].since > 3])
def test_a_newer_kind_of_event_carries_its_format(kind: str) -> None:
    format_of_kind = KINDS[kind].keys["format"]
    assert KINDS[kind].since <= FORMAT
    assert format_of_kind.test(KINDS[kind].since)
    assert not format_of_kind.test(KINDS[kind].since + 1)


def test_a_crash_and_the_baseline_are_valid_events() -> None:
    check_event({**TELL, "loss": None, "exception": "ArithmeticError", "timestamps": {}}, KINDS)
    check_event({**ASK, "id": [-1, 0, 0]}, KINDS)


def test_a_full_disk_leaves_complete_lines_and_a_clear_error(tmp_path: Path) -> None:
    """In a child process, because a limit on file size affects the whole process."""
    path = tmp_path / "journal.jsonl"
    if (child := os.fork()) == 0:
        status = 1
        try:
            import resource
            import signal

            journal = Journal.create(path, HEADER)
            journal.append({**ASK, "time": 0})
            size = path.stat().st_size
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (size + 20, size + 20))
            try:
                journal.append({**TELL, "time": 0})
            except StudyUnwritable as error:
                status = 0 if "cannot be written" in str(error) else 2
            if path.stat().st_size != size:
                status = 3
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert read_journal(path)[0][1:] == [{**ASK, "time": 0}]


@pytest.mark.slow
def test_a_flipped_byte_is_detected_anywhere(path: Path) -> None:
    whole = path.read_bytes()
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(CorruptJournal, match=f"line {whole[:place].count(10) + 1}: "):
            read_journal(path)


def test_lines_without_checksum_are_those_of_older_formats(path: Path) -> None:
    old = [{**HEADER, "format": 2}, *EVENTS]
    path.write_text("".join(json.dumps(event) + "\n" for event in old))
    events, size = read_journal(path)
    journal = Journal(path, size)
    journal.append({**ASK, "time": 2})
    journal.close()
    assert read_journal(path)[0] == [*events, {**ASK, "time": 2}]
    path.write_bytes(path.read_bytes().replace(b'"time": 2', b'"time": 3'))
    with pytest.raises(CorruptJournal, match="line 5: its checksum is wrong"):
        read_journal(path)


def removed(path: Path) -> None:
    path.unlink()


def moved_away(path: Path) -> None:
    path.parent.rename(path.parent.with_name("away"))


def replaced(path: Path) -> None:
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content)


def written_to(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"x")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (removed, "No such file"),
        (moved_away, "No such file"),
        (replaced, "another file has taken its place"),
        (written_to, "another process has written to it"),
    ],
)
def test_nothing_is_written_to_a_replaced_journal(
    tmp_path: Path, change: Callable[[Path], None], reason: str
) -> None:
    path = tmp_path / "study" / "journal.jsonl"
    path.parent.mkdir()
    journal = Journal.create(path, HEADER)
    change(path)
    content = path.read_bytes() if path.exists() else None
    with pytest.raises(StudyUnwritable, match=f"{reason}.*everything recorded before is kept"):
        journal.append({**ASK, "time": 0})
    assert (path.read_bytes() if path.exists() else None) == content


def test_a_failed_creation_leaves_no_journal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_space(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("oneshot_hpo.hpo.journal.file.os.fsync", no_space)
    with pytest.raises(StudyUnwritable, match="No space left"):
        Journal.create(tmp_path / "journal.jsonl", HEADER)
    assert list(tmp_path.iterdir()) == []
