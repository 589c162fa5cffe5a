import contextlib
import errno
import fcntl
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from support.toy_study import create, toy_result
from support.waiting import wait_until

from oneshot_hpo import hpo
from oneshot_hpo.hpo.errors import StudyLocked, StudyUnwritable
from oneshot_hpo.hpo.journal import lock as lock_module
from oneshot_hpo.hpo.journal.lock import LOCK_NAME, OWNER_NAME, StudyLock, holder_here, is_held
from oneshot_hpo.hpo.journal.owner import Owner

HOLD = """
import fcntl, os, socket, sys, time
from pathlib import Path
from oneshot_hpo.hpo.journal import lock, owner

folder, host, kind = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
lock.HEARTBEAT_SECONDS, lock.STALE_SECONDS = 0.05, 5.0
if host:
    socket.gethostname = lambda: host
if kind == "no flock":
    fcntl.flock = lambda *_: None
try:
    held = lock.StudyLock(folder)
except lock.StudyLocked as error:
    print(error, flush=True)
    sys.exit(3)
print("held", flush=True)
sys.stdin.read()
held.release()
"""


@pytest.fixture(params=["flock", "no flock"])
def kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """With locks of the file system, and without."""
    if request.param == "no flock":
        monkeypatch.setattr(fcntl, "flock", lambda *_: None)
    return str(request.param)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock_module, "HEARTBEAT_SECONDS", 0.05)
    monkeypatch.setattr(lock_module, "STALE_SECONDS", 1.0)


@pytest.fixture
def master(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start another process that takes the lock and holds it until its input ends."""
    started = []

    def start(host: str, kind: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", HOLD, str(tmp_path), host, kind],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def says(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def record(folder: Path, **changes: Any) -> None:
    """The record of a master that died without releasing the lock."""
    owner = replace(Owner.this_process(folder), **changes)
    (folder / OWNER_NAME).write_text(json.dumps(asdict(owner)))


def test_a_second_master_is_refused_with_the_name_of_the_owner(tmp_path: Path, kind: str) -> None:
    lock = StudyLock(tmp_path)
    holder = f"host {socket.gethostname()}, process {os.getpid()}"
    for _ in range(2):  # being refused must not wipe the holder's name
        with pytest.raises(StudyLocked, match=holder):
            StudyLock(tmp_path)
    assert (is_held(tmp_path), holder_here(tmp_path)) == (True, os.getpid())
    lock.release()
    lock.release()
    assert (is_held(tmp_path), holder_here(tmp_path)) == (False, None)
    StudyLock(tmp_path).release()


@pytest.mark.slow
def test_a_killed_master_leaves_no_lock(
    tmp_path: Path, kind: str, master: Callable[..., subprocess.Popen[str]]
) -> None:
    holder = master("", kind)
    assert says(holder) == "held"
    with pytest.raises(StudyLocked, match=f"process {holder.pid}"):
        StudyLock(tmp_path)
    holder.kill()
    wait_until(lambda: holder_here(tmp_path) is None)  # also before its parent has waited for it
    StudyLock(tmp_path).release()


@pytest.mark.slow
def test_a_killed_master_that_ends_slowly_is_waited_for(
    tmp_path: Path, master: Callable[..., subprocess.Popen[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A killed process may not get the processor to end, as on a busy machine."""
    holder = master("", "flock")
    assert says(holder) == "held"
    monkeypatch.setattr(Owner, "is_killed", True)
    looked = []

    def look(path: Path) -> tuple[bytes, int] | None:
        looked.append(path)
        if len(looked) == 40:
            holder.kill()
        return found(path)

    found = lock_module._look
    monkeypatch.setattr(lock_module, "_look", look)
    StudyLock(tmp_path).release()
    assert len(looked) > 40


@pytest.mark.slow
def test_a_kill_is_seen_before_the_process_ends(
    tmp_path: Path, master: Callable[..., subprocess.Popen[str]]
) -> None:
    holder = master("", "flock")
    assert says(holder) == "held"
    owner = Owner.parse((tmp_path / OWNER_NAME).read_bytes())
    assert owner is not None and owner.process == holder.pid
    assert not owner.is_killed
    holder.kill()
    wait_until(lambda: owner.is_killed)  # until its parent waits for it
    assert holder.wait() == -signal.SIGKILL
    assert not owner.is_killed


@pytest.mark.slow
def test_two_masters_on_two_hosts_without_locks(
    tmp_path: Path, master: Callable[..., subprocess.Popen[str]]
) -> None:
    first = master("one", "no flock")
    assert says(first) == "held"
    second = master("two", "no flock")
    assert f"held by another master (host one, process {first.pid})" in says(second)
    assert second.wait() == 3
    first.kill()
    third = master("two", "no flock")  # after watching for a while
    assert says(third) == "held"
    third.communicate("")
    assert third.returncode == 0
    assert not (tmp_path / OWNER_NAME).exists()


@pytest.mark.slow
def test_one_of_many_simultaneous_masters_gets_the_lock(
    tmp_path: Path, master: Callable[..., subprocess.Popen[str]]
) -> None:
    """On a file system without locks, after a master of this host died."""
    record(tmp_path, process=2**22 + 1)
    masters = [master("", "no flock") for _ in range(4)]
    assert [says(each) for each in masters].count("held") == 1


@pytest.mark.slow
def test_a_suspended_master_writes_nothing_after_a_takeover(
    tmp_path: Path, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fcntl, "flock", lambda *_: None)
    study = create(tmp_path)
    trial = study.ask()
    assert trial is not None
    monkeypatch.setattr(StudyLock, "_beat", lambda self: None)  # it is suspended from here on
    before = (tmp_path / "journal.jsonl").read_bytes()
    study._lock._released.set()
    monkeypatch.setattr("oneshot_hpo.hpo.journal.owner._place", lambda: "another boot")
    with hpo.Study.open(tmp_path) as other:
        with pytest.raises(StudyLocked, match="another master took it over"):
            study.tell(trial, toy_result(trial))
        assert (tmp_path / "journal.jsonl").read_bytes() == before
        other.tell(other.pending[0], toy_result(trial))
    assert len(hpo.read_study(tmp_path).evaluations) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"process": 2**22 + 1},  # more than Linux has
        {"started": "1"},  # another process has its id now
    ],
)
def test_the_lock_of_a_dead_master_on_this_host_is_taken_at_once(
    tmp_path: Path, changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    record(tmp_path, **changes)
    monkeypatch.setattr(lock_module.time, "sleep", lambda seconds: pytest.fail("it waited"))
    StudyLock(tmp_path).release()


@pytest.mark.slow
@pytest.mark.parametrize("content", [b"", b"{}", b"\x00\x01", b'{"host": "h"}'])
def test_an_empty_record_is_watched_for_a_moment(tmp_path: Path, content: bytes) -> None:
    (tmp_path / OWNER_NAME).write_bytes(content)
    StudyLock(tmp_path).release()


@pytest.mark.slow
@pytest.mark.parametrize("where", [{"host": "elsewhere"}, {"place": "another boot"}])
def test_a_master_on_another_host_is_watched_until_its_heartbeat_stops(
    tmp_path: Path,
    quick: None,
    where: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def beat(seconds: float) -> None:
        # A clock that jumps backwards counts like one that advances.
        touched = (tmp_path / OWNER_NAME).stat().st_mtime
        os.utime(tmp_path / OWNER_NAME, (touched - 3600,) * 2)

    record(tmp_path, **where)
    with monkeypatch.context() as meanwhile:  # its heartbeat continues while it is watched
        meanwhile.setattr(lock_module.time, "sleep", beat)
        with pytest.raises(StudyLocked, match="held by another master"):
            StudyLock(tmp_path)
    StudyLock(tmp_path).release()
    assert "it is watched for 1 s" in caplog.text


def test_a_file_system_without_locks_is_supported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def flock(*_: Any) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", flock)
    lock = StudyLock(tmp_path)
    with pytest.raises(StudyLocked):
        StudyLock(tmp_path)
    lock.release()


def test_an_error_of_the_lock_names_the_folder(tmp_path: Path) -> None:
    (tmp_path / "lock").mkdir()
    with pytest.raises(StudyUnwritable, match=f"{tmp_path} cannot be written"):
        StudyLock(tmp_path)
    assert not (tmp_path / OWNER_NAME).exists()


OTHER = 65534

needs_root = pytest.mark.skipif(os.getuid() != 0, reason="only root can act as another user")


@pytest.fixture
def shared() -> Iterator[Path]:
    """A study's folder that other users can enter."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@contextlib.contextmanager
def flocked_by_another_user(path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another user opens a file and locks it, if that is possible."""
    process = subprocess.Popen(
        ["/bin/sh", "-c", 'exec 9< "$1" && flock 9 && echo held && read end', "sh", str(path)],
        user=OTHER,
        group=OTHER,
        extra_groups=[],
        cwd="/",
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@needs_root
def test_another_user_cannot_lock_out_the_owner(shared: Path) -> None:
    StudyLock(shared).release()
    with flocked_by_another_user(shared / LOCK_NAME) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == ""  # it could not even open it
        StudyLock(shared).release()


@needs_root
def test_a_readable_lock_held_by_another_user_is_replaced(shared: Path) -> None:
    (shared / LOCK_NAME).touch(mode=0o644)
    with flocked_by_another_user(shared / LOCK_NAME) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        lock = StudyLock(shared)
        assert mode(shared / LOCK_NAME) == mode(shared / OWNER_NAME) == 0o600
        with pytest.raises(StudyLocked):
            StudyLock(shared)
        lock.release()


@pytest.mark.slow
def test_a_readable_lock_held_by_a_master_is_kept(
    tmp_path: Path, master: Callable[..., subprocess.Popen[str]]
) -> None:
    (tmp_path / LOCK_NAME).touch(mode=0o644)
    holding = master("", "flock")
    assert holding.stdout is not None
    assert holding.stdout.readline() == "held\n"
    (tmp_path / LOCK_NAME).chmod(0o644)
    with pytest.raises(StudyLocked, match=f"process {holding.pid}"):
        StudyLock(tmp_path)


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o277])
def test_only_users_who_may_write_in_the_folder_can_open_the_lock(
    tmp_path: Path, umask: int
) -> None:
    tmp_path.chmod(0o755)
    before = os.umask(umask)
    try:
        lock = StudyLock(tmp_path)
        assert mode(tmp_path / LOCK_NAME) == mode(tmp_path / OWNER_NAME) == 0o600
        lock.release()
        tmp_path.chmod(0o2775)
        lock = StudyLock(tmp_path)
        assert mode(tmp_path / LOCK_NAME) == mode(tmp_path / OWNER_NAME) == 0o660
        lock.release()
    finally:
        os.umask(before)


AS_COLLEAGUE = """
import os, sys
from pathlib import Path
from oneshot_hpo.hpo.journal.lock import StudyLock, is_held

os.setgroups([int(sys.argv[3])])
os.setgid(65534)
os.setuid(int(sys.argv[2]))
print(is_held(Path(sys.argv[1])), flush=True)
try:
    StudyLock(Path(sys.argv[1])).release()
except Exception as error:
    print(error)
else:
    print("let in")
"""


@pytest.mark.slow
@needs_root
def test_only_members_of_the_folder_s_group_get_the_lock(shared: Path) -> None:
    def colleague(user: int, group: int) -> list[str]:
        words = [sys.executable, "-c", AS_COLLEAGUE, str(shared), str(user), str(group)]
        return subprocess.check_output(words, text=True).splitlines()

    group = 64_321
    StudyLock(shared).release()  # while only the owner can enter the folder
    assert colleague(OTHER, group) == [
        "False",
        f"{shared} cannot be written: Permission denied",
    ]
    os.chown(shared, -1, group)
    shared.chmod(0o2770)
    assert colleague(OTHER, group) == ["False", "let in"]
    lock = StudyLock(shared)
    held, refused = colleague(OTHER, group)
    assert held == "True"
    assert f"is held by another master (host {socket.gethostname()}" in refused
    lock.release()


@pytest.mark.slow
@needs_root
def test_a_held_study_is_detected_without_reading_the_record(shared: Path) -> None:
    lock = StudyLock(shared)
    words = [sys.executable, "-c", AS_COLLEAGUE, str(shared), str(OTHER), str(OTHER)]
    held, refused = subprocess.check_output(words, text=True).splitlines()
    assert held == "True"
    assert "is held by another master" in refused
    lock.release()
