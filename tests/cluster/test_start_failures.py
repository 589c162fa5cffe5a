"""Errors name the reason why a pool does not start, not its consequence in Dask."""

import errno
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from oneshot_hpo.cluster.start_failures import start_failure

LIMITED = """
import resource, sys
from pathlib import Path
from oneshot_hpo.cluster.local import LocalPool
from oneshot_hpo.cluster.errors import PoolError
resource.setrlimit(resource.RLIMIT_NOFILE, (32, 32))
try:
    LocalPool(workers=2, threads=1, scratch=Path(sys.argv[1])).close()
except PoolError as error:
    print(error)
"""


@pytest.mark.slow
def test_too_many_open_files_are_the_cause(tmp_path: Path) -> None:
    """The limit of its process is below the need of a pool of two."""
    script = tmp_path / "limited.py"
    script.write_text(f"if __name__ == '__main__':{LIMITED}".replace("\n", "\n    "))
    ended = subprocess.run(
        [sys.executable, script, tmp_path / "logs"],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
    )
    assert "worker processes do not start (too many open files" in ended.stdout, ended.stderr
    assert "a process may have 32" in ended.stdout


@pytest.mark.parametrize(
    ("cause", "words"),
    [
        (OSError(errno.EAGAIN, os.strerror(errno.EAGAIN)), "no more processes or threads"),
        (RuntimeError("can't start new thread"), "no more processes or threads"),
        (OSError(errno.ENFILE, os.strerror(errno.ENFILE)), "too many open files on this machine"),
        (ValueError("another"), "Nanny failed to start."),
    ],
)
def test_the_first_cause_counts(cause: Exception, words: str) -> None:
    """Dask's nanny raises its own error while it handles others."""
    try:
        try:
            try:
                raise cause
            except Exception:
                None.terminate()  # type: ignore[attr-defined]
        except Exception as error:
            raise RuntimeError("Nanny failed to start.") from error
    except RuntimeError as failure:
        assert start_failure(failure).startswith(words)


def test_the_limit_of_processes_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda limit: (77, 77))
    assert "77 (ulimit -u)" in start_failure(OSError(errno.EAGAIN, "again"))
