"""NVIDIA's service itself needs a GPU: here a program in its place notes how it is called."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from support.collecting import collect
from support.waiting import wait_until

from oneshot_hpo.cluster import mps
from oneshot_hpo.cluster.errors import PoolError
from oneshot_hpo.cluster.local import LocalPool
from oneshot_hpo.cluster.mps import NoSharedGpu, mps_program, multi_process_service

PROGRAM = """#!/bin/sh
echo "$CUDA_MPS_PIPE_DIRECTORY|$CUDA_VISIBLE_DEVICES|$*|$([ "$1" = -d ] || cat)" >> "$MPS_CALLS"
[ -z "$MPS_FAILS" ] || { echo "Cannot find any device"; exit 1; }
"""


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The program's notes, one line a call."""
    program = tmp_path / "bin" / "nvidia-cuda-mps-control"
    program.parent.mkdir()
    program.write_text(PROGRAM)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=os.pathsep)
    monkeypatch.setenv("MPS_CALLS", str(tmp_path / "calls"))
    monkeypatch.delenv("CUDA_MPS_PIPE_DIRECTORY", raising=False)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")
    monkeypatch.setattr(mps, "_SOCKET_BYTES", 4096)  # a path of pytest's may be long
    return tmp_path / "calls"


def test_the_service_starts_and_ends_with_the_context(calls: Path, tmp_path: Path) -> None:
    with multi_process_service(tmp_path / "mps") as variables:
        assert variables["CUDA_MPS_PIPE_DIRECTORY"] == str(tmp_path / "mps")
        # It sees all GPUs, whatever this process may use: its clients name them as this one does.
        assert calls.read_text() == f"{tmp_path / 'mps'}||-d|\n"
    assert calls.read_text().splitlines()[1:] == [f"{tmp_path / 'mps'}|||quit -t 10"]


def test_it_ends_when_its_owner_is_killed(calls: Path, tmp_path: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path\n"
        "from oneshot_hpo.cluster.mps import multi_process_service\n"
        "with multi_process_service(Path(sys.argv[1])): print('runs', flush=True); time.sleep(3600)"
    )
    words = [sys.executable, "-c", program, "mps"]
    with subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "runs\n"
        owner.send_signal(signal.SIGKILL)
    wait_until(lambda: calls.read_text().endswith("|quit -t 10\n"))


def test_a_service_of_the_user_is_used(
    calls: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CUDA_MPS_PIPE_DIRECTORY", "/their/own")
    with multi_process_service(tmp_path / "mps") as variables:
        assert variables == {}
    assert not calls.exists()


def test_one_that_does_not_start_says_why(
    calls: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MPS_FAILS", "1")
    with (
        pytest.raises(NoSharedGpu, match=r"does not start: Cannot find any device$"),
        multi_process_service(tmp_path / "mps"),
    ):
        pass


def test_its_pipes_need_a_short_path(
    calls: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(mps, "_SOCKET_BYTES", 107)
    with (
        pytest.raises(NoSharedGpu, match="is too long for its pipes: set TMPDIR to a shorter path"),
        multi_process_service(tmp_path / ("long" * 20)),
    ):
        pass
    assert not calls.exists()


def _pool(tmp_path: Path) -> LocalPool:
    scratch = tmp_path / "logs"
    return LocalPool(workers=2, threads=1, gpus=["3"], shares_gpus=True, scratch=scratch)


@pytest.mark.slow
def test_workers_of_a_pool_share_a_gpu_by_it(calls: Path, tmp_path: Path) -> None:
    with _pool(tmp_path) as pool:
        pool.submit("gpu", os.getenv, "CUDA_VISIBLE_DEVICES")
        pool.submit("pipes", os.getenv, "CUDA_MPS_PIPE_DIRECTORY")
        outcomes = collect(pool, 2)
        started = calls.read_text()
    pipes = outcomes["pipes"].value
    assert outcomes["gpu"].value == "3"
    assert started == f"{pipes}||-d|\n"
    assert calls.read_text().splitlines()[1:] == [f"{pipes}|||quit -t 10"]


@pytest.mark.skipif(mps_program() is not None, reason="the service is installed here")
def test_a_pool_without_the_service_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("CUDA_MPS_PIPE_DIRECTORY", raising=False)
    with pytest.raises(PoolError, match=r"there is no nvidia-cuda-mps-control here: NVIDIA's"):
        _pool(tmp_path)
