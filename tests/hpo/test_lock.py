import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from hpo.errors import StudyLocked, StudyUnwritable
from hpo.lock import StudyLock

HOLD = """
import sys, time
from pathlib import Path
from hpo.lock import StudyLock
lock = StudyLock(Path(sys.argv[1]))
print("held", flush=True)
time.sleep(60)
"""


def test_a_second_holder_is_refused_and_told_who_holds_it(tmp_path: Path) -> None:
    lock = StudyLock(tmp_path)
    holder = f"host {socket.gethostname()}, process {os.getpid()}"
    for _ in range(2):  # being refused must not wipe the holder's name
        with pytest.raises(StudyLocked, match=holder):
            StudyLock(tmp_path)
    lock.release()
    lock.release()
    StudyLock(tmp_path).release()


def test_a_killed_holder_holds_nothing(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(StudyLocked, match=f"process {holder.pid}"):
            StudyLock(tmp_path)
    finally:
        holder.kill()
        holder.communicate()
    StudyLock(tmp_path).release()


def test_a_folder_that_takes_no_lock_is_named(tmp_path: Path) -> None:
    (tmp_path / "lock").mkdir()
    with pytest.raises(StudyUnwritable, match=f"{tmp_path} cannot be written"):
        StudyLock(tmp_path)
