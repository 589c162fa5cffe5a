"""Folders that a study can be in, and users who can resume it."""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from rich.console import Console
from support.made_study import run_study
from support.study_commands import command

from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.experiments.study.folder import check_continuable, check_path
from oneshot_hpo.experiments.study.launching import resume_study

OWNER, COLLEAGUE, GROUP = 10_001, 10_002, 10_000
"""Numbers of users and of a group that this machine need not know."""
FOUND = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
"""From whichever folder a command is run."""


NAMES = ("new\nline", "a\rb", "a\x1b[2Jb", "a\u2028b", "bad\udcff")
"""No study can run in a folder with such a name; the last one is not UTF-8."""


@pytest.mark.parametrize("name", NAMES)
def test_a_path_that_no_study_can_run_in_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError, match="choose another folder"):
        check_path(tmp_path / name / "study")
    check_path(tmp_path / "it's 100% $fine\\é")


@pytest.mark.slow
@pytest.mark.parametrize("name", [NAMES[0], NAMES[-1]])
@pytest.mark.parametrize("is_here", [False, True])
def test_nothing_is_made_in_such_a_path(tmp_path: Path, name: str, is_here: bool) -> None:
    """Be it named, or where the command is run."""
    folder = tmp_path / name
    if is_here:
        folder.mkdir()
    before = _content(tmp_path)
    target = "study" if is_here else folder
    _refused("launch", "quickstart", "--dir", target, cwd=folder if is_here else tmp_path)
    assert _content(tmp_path) == before


@pytest.mark.slow
def test_a_study_that_was_moved_to_such_a_path_is_not_changed(tmp_path: Path) -> None:
    folder = run_study(tmp_path / "study", "workers=1", "iterations=0").rename(tmp_path / NAMES[0])
    before = _content(folder)
    for verb in ("resume", "confirm"):
        _refused(verb, folder, cwd=tmp_path)
    assert _content(folder) == before


def _refused(*words: object, cwd: Path) -> None:
    """Run a command that has to end as bad input does, with one line."""
    ended = subprocess.run(command(*words), cwd=cwd, env=FOUND, capture_output=True)
    assert ended.returncode == 2, ended.stderr
    assert len(ended.stderr.splitlines()) == 1
    assert not ended.stdout


def _content(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() if path.is_file() else b"" for path in folder.rglob("*")}


@contextlib.contextmanager
def _shared() -> Iterator[Path]:
    """A folder into which every user gets, unlike pytest's."""
    folder = Path(tempfile.mkdtemp(prefix="shared-"))
    try:
        folder.chmod(0o755)
        yield folder
    finally:
        shutil.rmtree(folder)


def _as_colleague(function: Callable[[], object]) -> str:
    """What a function says to another user of the same group; empty if it goes well."""
    reader, writer = os.pipe()
    process = os.fork()
    if not process:
        os.setgroups([])
        os.setresgid(GROUP, GROUP, GROUP)
        os.setresuid(COLLEAGUE, COLLEAGUE, COLLEAGUE)
        said = ""
        try:
            function()
        except BaseException as error:
            said = f"{type(error).__name__}: {error}"
        os.write(writer, said.encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        said = pipe.read()
    os.waitpid(process, 0)
    return said


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be two users")
def test_a_colleague_resumes_a_writable_study_or_is_refused_in_a_line() -> None:
    with _shared() as place:
        folder = run_study(place / "study", "workers=1", "iterations=0")
        (folder / "trials").mkdir(exist_ok=True)
        for path in (folder, *folder.rglob("*")):
            os.chown(path, OWNER, GROUP)
            path.chmod(0o2775 if path.is_dir() else 0o664)
        (folder / "lock").touch()
        os.chown(folder / "lock", OWNER, GROUP)
        (folder / "lock").chmod(0o664)
        assert not _as_colleague(lambda: check_continuable(folder))

        before = _content(folder)
        closed = {"lock": 0o600, "journal.jsonl": 0o644, "trials": 0o755, ".": 0o755}
        for name, mode in closed.items():
            path = folder / name
            was = path.stat().st_mode
            path.chmod(mode)
            said = _as_colleague(
                lambda: resume_study(
                    Console(), folder, None, [], submit=False, as_job=False, cluster=None
                )
            )
            path.chmod(was)
            expected = (
                f"UserError: {folder} is a study of user {OWNER}, and you cannot write {path}"
            )
            assert said.startswith(expected), said
            assert _content(folder) == before


@pytest.mark.slow
def test_a_user_without_a_name_or_a_home_gets_advice(tmp_path: Path) -> None:
    unnamed = ["unshare", "--user", "--map-user=54321", "--map-group=54321"]
    if shutil.which("unshare") is None or subprocess.run([*unnamed, "true"]).returncode:
        pytest.skip("no user namespaces here")
    environment = {name: FOUND[name] for name in ("PATH", "PYTHONPATH")}
    for words in (["data", "info"], ["launch", "quickstart", "--set", "dataset=cifar10"]):
        ended = subprocess.run(
            [*unnamed, *command(*words)],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
        )
        assert ended.returncode == 2, ended.stderr
        assert len(ended.stderr.splitlines()) == 1
        assert "this user has no home folder: set HOME, or ONESHOT_HPO_DATA" in ended.stderr
    assert not list(tmp_path.iterdir())
