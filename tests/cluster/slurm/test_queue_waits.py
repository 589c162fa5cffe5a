"""Waits in the queue and time limits, as SLURM writes them."""

from pathlib import Path

import pytest

from oneshot_hpo.cluster.slurm.commands import SlurmRefused, queue_waits
from oneshot_hpo.cluster.slurm.settings import limit_seconds

ANSWER = """\
2026-03-01T10:00:00|2026-03-01T10:00:30
2026-03-01T11:00:00|Unknown
2026-03-01T12:00:00|2026-03-02T12:00:00
2026-03-01T13:00:00|None
2026-03-28T23:00:00|2026-03-28T23:00:00
"""


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder with commands."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def sacct(tools: Path, script: str) -> None:
    (tools / "sacct").write_text(f'#!/bin/sh\necho "$@" > {tools}/asked\n{script}\n')
    (tools / "sacct").chmod(0o755)


def test_waits_are_those_of_jobs_that_have_started(tools: Path) -> None:
    sacct(tools, f"/bin/cat <<END\n{ANSWER}END")
    assert queue_waits("gpu") == [30.0, 86400.0, 0.0]
    assert queue_waits(None, most=2) == [86400.0, 0.0]
    assert "--partition" not in (tools / "asked").read_text()


def test_there_are_no_waits_without_accounting(tools: Path) -> None:
    sacct(tools, "echo Slurm accounting storage is disabled >&2; exit 1")
    assert queue_waits("gpu") == []


def test_there_is_no_slurm(tools: Path) -> None:
    with pytest.raises(SlurmRefused, match="no command sacct"):
        queue_waits("gpu")


@pytest.mark.parametrize(
    ("limit", "seconds"),
    [
        ("30", 1800),
        ("30:15", 1815),
        ("4:00:00", 14400),
        ("1-12", 129600),
        ("1-12:30", 131400),
        ("2-00:00:05", 172805),
        ("UNLIMITED", None),
        ("infinite", None),
    ],
)
def test_a_limit_is_a_number_of_seconds(limit: str, seconds: float | None) -> None:
    assert limit_seconds(limit) == seconds
