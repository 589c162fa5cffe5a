"""A sample of the survival command, which tries every place."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from oneshot_hpo.experiments.benchmarks.survival import disk, hostile, kills
from oneshot_hpo.experiments.benchmarks.survival.altered import altered_files
from oneshot_hpo.experiments.benchmarks.survival.extended import ThriceExtendedStudy
from oneshot_hpo.experiments.benchmarks.survival.interception import Fault
from oneshot_hpo.experiments.benchmarks.survival.lives import Lives
from oneshot_hpo.experiments.benchmarks.survival.rows import Group, Row, markdown, summary
from oneshot_hpo.experiments.benchmarks.survival.subjects import (
    SearchSubject,
    ShortStudy,
    subject_of,
)
from oneshot_hpo.hpo import read_study

pytestmark = pytest.mark.slow

STRACED = """
import sys
from pathlib import Path
from oneshot_hpo.experiments.benchmarks.survival.interception import Interception
from oneshot_hpo.experiments.benchmarks.survival.trial import write_digits
from oneshot_hpo.hpo.errors import StudyLocked
from oneshot_hpo.hpo.journal.file import Journal
from oneshot_hpo.hpo.journal.lock import StudyLock
from oneshot_hpo.whole_files import write_whole

folder = Path(sys.argv[1])
seen = Interception(folder, None)
seen.install()
folder.mkdir()
lock = StudyLock(folder)
journal = Journal.create(folder / "journal.jsonl", {"event": "header"})
for _ in range(3):
    journal.append({"event": "ask"})
journal.close()
write_whole(folder / "study.yaml", b"x" * 100_000)
(folder / "text").write_text("y" * 100_000)
(folder / "text").rename(folder / "other")
write_digits(folder / "digits.npz")
lock.release()
seen.stop()
for operation in seen.operations:
    print(operation.name)
"""


def nothing(what: str, done: int, planned: int) -> None:
    pass


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> ShortStudy:
    scratch = tmp_path_factory.mktemp("study")
    return ShortStudy(Lives(scratch), scratch)


@pytest.fixture(scope="module")
def search(tmp_path_factory: pytest.TempPathFactory) -> SearchSubject:
    scratch = tmp_path_factory.mktemp("search")
    return SearchSubject(Lives(scratch), scratch, "gdas")


def test_kills_and_power_cuts_change_nothing(study: ShortStudy, search: SearchSubject) -> None:
    for subject in (study, search):
        for row in kills.inject(subject, 45, nothing):
            assert row.tried >= 1
            assert row.survived == row.tried, row.note


def test_a_study_extended_three_times_and_killed_five_times_is_the_undisturbed_one() -> None:
    with subject_of(ThriceExtendedStudy) as subject:
        assert len(read_study(subject.folder).extensions) == 3
        stride = len(subject.operations) // 6
        kinds = ("before", "after", "power cut", "before", "power cut, names too")
        extensions = []

        subject.prepare()
        for kind in kinds:
            life = subject.lives.live(subject.folder, *subject.begin(), fault=Fault(kind, stride))
            assert life.code == -9, life.complaint
            extensions.append(len(read_study(subject.folder).extensions))
        assert extensions[0] < extensions[-1] <= 3
        assert subject.finished_as_undisturbed() == ""


@pytest.mark.parametrize(
    "fault",
    [
        Fault("full", 7),  # as study.yaml is written
        Fault("full", 40),
        Fault("error", 41, 5),
        Fault("errors", 44, 116),
        Fault("vanish", 46),
    ],
    ids=str,
)
def test_faults_on_disk_end_a_study_with_a_line(study: ShortStudy, fault: Fault) -> None:
    assert disk.problem_after_fault(study, fault) == ""


def test_a_fault_that_is_not_survived_is_seen(
    study: ShortStudy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The harness itself: an outcome that differs, a life that was not ended."""
    end = len(study.operations)
    assert "was not killed" in kills.problem_after_kill(study, Fault("before", end))
    monkeypatch.setattr(study, "whole", "another outcome")
    assert kills.problem_after_kill(study, Fault("before", end // 2)) == "another outcome"


def test_files_that_were_altered_are_found_out() -> None:
    for row in altered_files(nothing, 301):
        assert row.tried > 2
        assert row.survived == row.tried, row.note


def test_every_system_call_is_seen(tmp_path: Path) -> None:
    """What Python's functions are seen to do is what the kernel is asked for."""
    if shutil.which("strace") is None:
        pytest.skip("no strace here")
    folder, log = tmp_path / "folder", tmp_path / "log"
    calls = "openat,write,pwrite64,writev,fsync,fdatasync,ftruncate,mkdir,rename,unlink,link"
    strace = ["strace", "-qq", "-y", "-o", str(log), "-e", f"trace={calls}"]
    done = subprocess.run(
        [*strace, sys.executable, "-c", STRACED, str(folder)], capture_output=True, text=True
    )
    if "ptrace" in done.stderr or "PTRACE" in done.stderr:
        pytest.skip("strace may not trace here")
    assert done.returncode == 0, done.stderr
    asked = []
    for line in log.read_text().splitlines():
        name = line.partition("(")[0]
        changes = name != "openat" or "O_TRUNC" in line or "O_CREAT|O_EXCL" in line
        if str(folder) in line and changes:
            asked.append({"openat": "open"}.get(name, name))
    seen = [{"replace": "rename"}.get(name, name) for name in done.stdout.split()]
    lock = seen.index("open")  # made without O_TRUNC or O_EXCL, so strace's filter leaves it out
    assert seen[:lock] + seen[lock + 1 :] == asked


def test_hostile_folders_and_archives_do_no_harm() -> None:
    rows = hostile.run(nothing, every=11)
    assert [row.group for row in rows] == [Group.HOSTILE] * 3
    assert all(row.tried and row.survived == row.tried for row in rows), rows


@pytest.mark.parametrize("name", hostile.ARCHIVES)
def test_every_hostile_archive_is_small(name: str) -> None:
    assert len(hostile.ARCHIVES[name]()) < 16 << 20


def test_the_table_has_a_line_for_each_row_and_the_summary_one_for_each_group() -> None:
    rows = [
        Row(Group.DISK, "a", 1000, 999, "x"),
        Row(Group.KILLS, "b", 5, 5),
        Row(Group.DISK, "c", 7, 7, "y"),
    ]
    lines = markdown(rows).splitlines()
    assert len(lines) == 5
    assert lines[2] == "| a | 1,000 | 999 | x |"
    kills, disk = summary(rows)
    assert (kills.tried, kills.survived, kills.note) == (5, 5, Group.KILLS.checked)
    assert (disk.tried, disk.survived, disk.note) == (1007, 1006, "a: x")
    assert disk.kind.endswith("(2 kinds)")
