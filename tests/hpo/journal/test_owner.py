"""Records of owners that are copied, forged or old are trusted only as far as they are checked."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from support.second_user import as_second_user, needs_second_user, shared_folder

from oneshot_hpo.hpo import StudyLocked
from oneshot_hpo.hpo.journal.lock import (
    LOCK_NAME,
    OWNER_NAME,
    StudyLock,
    end_holder,
    holder_here,
    is_held,
)
from oneshot_hpo.hpo.journal.owner import Owner
from oneshot_hpo.hpo.journal.process import started

WAIT = "import sys; file = open(sys.argv[1], 'a+'); print(flush=True); sys.stdin.read()"
OLD = ("host", "process", "started", "place", "token")
"""The keys of a record before it named folder and user."""


@pytest.fixture
def bystander(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process of this user with an open file that has nothing to do with a study."""
    process = subprocess.Popen(
        [sys.executable, "-c", WAIT, str(tmp_path / "notes")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    process.stdout.readline()
    yield process
    process.communicate("")
    assert process.returncode == 0, "it was ended"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "study"
    folder.mkdir()
    return folder


def write_record(folder: Path, process: int, /, **changes: Any) -> dict[str, Any]:
    """The best possible forgery of a process's record."""
    owner = replace(Owner.this_process(folder), process=process, started=started(process))
    document = asdict(owner) | changes
    (folder / OWNER_NAME).write_text(json.dumps(document))
    return document


def forget(folder: Path) -> None:
    """Turn a folder's record into one of an earlier version."""
    document = json.loads((folder / OWNER_NAME).read_text())
    (folder / OWNER_NAME).write_text(json.dumps({key: document[key] for key in OLD}))


@pytest.mark.parametrize("old", [False, True])
def test_a_copy_of_a_held_study_is_not_held(tmp_path: Path, folder: Path, old: bool) -> None:
    lock = StudyLock(folder)
    if old:
        forget(folder)
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    assert (is_held(copy), holder_here(copy), end_holder(copy)) == (False, None, None)
    if not old:  # one of an earlier version names this process, which now opens the copy's lock
        StudyLock(copy).release()
    assert is_held(folder)
    with pytest.raises(StudyLocked):
        StudyLock(folder)
    lock.release()


def test_a_folder_that_was_renamed_is_still_held(tmp_path: Path, folder: Path) -> None:
    lock = StudyLock(folder)
    folder.rename(tmp_path / "renamed")
    assert is_held(tmp_path / "renamed")
    (tmp_path / "link").symlink_to(tmp_path / "renamed")
    assert holder_here(tmp_path / "link") == os.getpid()
    lock.release()


@pytest.mark.parametrize("lock", ["none", "own", "link", "hard link"])
@pytest.mark.parametrize("keys", [OLD, (*OLD, "folder", "user")], ids=["old", "new"])
def test_a_record_with_an_unrelated_process_ends_nothing(
    folder: Path, bystander: subprocess.Popen[str], lock: str, keys: tuple[str, ...]
) -> None:
    document = write_record(folder, bystander.pid)
    (folder / OWNER_NAME).write_text(json.dumps({key: document[key] for key in keys}))
    if lock == "own":
        (folder / LOCK_NAME).touch()
    elif lock == "link":
        (folder / LOCK_NAME).symlink_to(folder.parent / "notes")
    elif lock == "hard link":
        (folder / LOCK_NAME).hardlink_to(folder.parent / "notes")
    if lock == "hard link":  # the bystander writes to a file of the folder
        assert is_held(folder)
        with pytest.raises(StudyLocked, match=f"end it with kill {bystander.pid}"):
            end_holder(folder)
        return
    assert not is_held(folder)
    assert end_holder(folder) is None
    if lock != "link":
        StudyLock(folder).release()


@pytest.mark.slow
def test_only_the_holder_is_ended(folder: Path) -> None:
    hold = (
        "from oneshot_hpo.hpo.journal.lock import *; "
        f"h = StudyLock(Path({str(folder)!r})); print(flush=True); input()"
    )
    holders = [
        subprocess.Popen(
            [sys.executable, "-c", hold],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
    ]
    assert holders[0].stdout is not None
    holders[0].stdout.readline()
    try:
        assert end_holder(folder) == holders[0].pid
        assert holders[0].wait() == -signal.SIGTERM
    finally:
        holders[0].kill()
        holders[0].communicate()
    assert end_holder(folder) is None


def test_a_removed_lock_keeps_a_second_master_out(folder: Path) -> None:
    lock = StudyLock(folder)
    (folder / LOCK_NAME).unlink()
    assert is_held(folder)
    with pytest.raises(StudyLocked, match="this user cannot see"):
        end_holder(folder)
    with pytest.raises(StudyLocked, match="held by another master"):
        StudyLock(folder)
    lock.release()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("key", "value"), [("process", -1), ("process", 2**70), ("process", True), ("user", 12345)]
)
def test_an_invalid_record_has_no_owner(folder: Path, key: str, value: object) -> None:
    write_record(folder, os.getpid(), **{key: value})
    (folder / LOCK_NAME).touch()
    assert end_holder(folder) is None
    StudyLock(folder).release()


def test_a_record_of_a_later_version_is_read(folder: Path) -> None:
    document = write_record(folder, os.getpid())
    owner = Owner.parse(json.dumps(document | {"rack": 7}).encode())
    assert owner is not None
    assert owner.process == os.getpid()


@pytest.mark.slow
@pytest.mark.timeout(60)
def test_a_pipe_in_place_of_a_record_does_not_block(folder: Path) -> None:
    os.mkfifo(folder / OWNER_NAME)
    assert end_holder(folder) is None
    StudyLock(folder).release()


@needs_second_user
def test_a_second_user_cannot_make_us_end_a_process(bystander: subprocess.Popen[str]) -> None:
    with shared_folder() as shared:

        def attack() -> bool:
            own = shared / "theirs"
            own.mkdir()
            write_record(own, bystander.pid, user=0)
            (own / LOCK_NAME).touch()
            return True

        assert as_second_user(attack)
        assert end_holder(shared / "theirs") is None


@needs_second_user
def test_a_second_user_sees_a_held_study_and_does_not_end_it(tmp_path: Path) -> None:
    with shared_folder() as shared:
        lock = StudyLock(shared)

        def look() -> tuple[bool, str]:
            try:
                return is_held(shared), str(end_holder(shared))
            except StudyLocked as error:
                return is_held(shared), str(error)

        held, words = as_second_user(look)
        assert held
        assert f"held by a master of user {os.getuid()}" in words
        lock.release()
