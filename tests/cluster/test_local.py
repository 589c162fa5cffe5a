"""The pool on this machine, with real worker processes. Functions are importable by a worker."""

import contextlib
import itertools
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import distributed
import psutil
import pytest
from support.collecting import collect
from support.processes import running
from support.waiting import HANG_SECONDS, wait_for_end, wait_until
from support.worker_tasks import beside_another, failing, given_up, saved_when_asked, when, where

from oneshot_hpo.cluster.local import LocalPool
from oneshot_hpo.cluster.outcome import Outcome

pytestmark = pytest.mark.slow

REFUSED_SECONDS = 2
"""How long a client without the key tries to connect; it must never succeed."""


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalPool]:
    scratch = tmp_path_factory.mktemp("logs")
    with LocalPool(workers=2, threads=1, gpus=[4, 7], scratch=scratch) as pool:
        yield pool


def test_values_and_exceptions_come_back_under_their_keys(pool: LocalPool) -> None:
    pool.submit("root", math.sqrt, 4)
    pool.submit("no root", math.sqrt, -1)
    outcomes = collect(pool, 2)
    assert outcomes["root"] == Outcome("root", 2.0)
    assert isinstance(outcomes["no root"].error, ValueError)
    assert outcomes["no root"].lost is None
    assert pool.in_flight == 0


def test_a_key_may_be_used_again_and_is_computed_again(pool: LocalPool) -> None:
    pool.submit("clock", time.monotonic_ns)
    first = collect(pool, 1)["clock"].value
    pool.submit("clock", time.monotonic_ns)
    assert collect(pool, 1)["clock"].value > first


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="needs Linux's scheduler")
def test_a_closed_pool_has_no_process_left_on_a_busy_machine(tmp_path: Path) -> None:
    """Its worker gets a two-hundredth of a core: killed, it needs seconds to end."""
    core = min(os.sched_getaffinity(0))
    with contextlib.ExitStack() as busy:
        with LocalPool(workers=1, threads=1, gpus=[], scratch=tmp_path) as pool:
            pool.submit("pid", os.getpid)
            worker = collect(pool, 1)["pid"].value
            for thread in psutil.Process(worker).threads():
                with contextlib.suppress(ProcessLookupError):  # it has ended meanwhile
                    os.sched_setaffinity(thread.id, {core})
                    os.setpriority(os.PRIO_PROCESS, thread.id, 19)
            for _ in range(3):
                process = busy.enter_context(running([sys.executable, "-c", "while True: pass"]))
                os.sched_setaffinity(process.pid, {core})
        assert not psutil.pid_exists(worker)


def test_one_key_is_not_in_flight_twice(pool: LocalPool) -> None:
    pool.submit("pid", os.getpid)  # in flight until its outcome is returned
    with pytest.raises(ValueError, match="in flight"):
        pool.submit("pid", os.getpid)
    collect(pool, 1)


def test_a_worker_runs_one_task_at_a_time(pool: LocalPool) -> None:
    for number in range(4):
        pool.submit(str(number), when, 0.3)
    times: dict[int, list[tuple[float, float]]] = {}
    for outcome in collect(pool, 4).values():
        worker, begun, ended = outcome.value
        times.setdefault(worker, []).append((begun, ended))
    for one in map(sorted, times.values()):
        assert all(ended <= begun for (_, ended), (begun, _) in itertools.pairwise(one))


def test_each_worker_has_one_gpu_and_its_threads(pool: LocalPool, tmp_path: Path) -> None:
    wait_until(lambda: pool.live_workers == 2)
    for number in range(2):  # at the same time, so each on another worker
        pool.submit(f"gpu {number}", beside_another, str(tmp_path), "CUDA_VISIBLE_DEVICES")
    seen = {outcome.value for outcome in collect(pool, 2).values()}
    assert seen == {"4", "7"}
    pool.submit("threads", os.getenv, "OMP_NUM_THREADS")
    assert collect(pool, 1)["threads"].value == "1"


def test_everything_listens_on_loopback_only(pool: LocalPool) -> None:
    master = psutil.Process()
    listening = [
        connection.laddr.ip
        for process in (master, *master.children(recursive=True))
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert listening
    assert set(listening) == {"127.0.0.1"}


def test_a_client_without_the_key_cannot_connect(pool: LocalPool) -> None:
    port = pool.address.rpartition(":")[2]
    with pytest.raises(OSError):
        distributed.Client(f"tcp://127.0.0.1:{port}", timeout=REFUSED_SECONDS)
    with pytest.raises(OSError):
        other = distributed.Security.temporary()
        distributed.Client(pool.address, security=other, timeout=REFUSED_SECONDS)


def test_a_killed_worker_is_reported_at_once_and_replaced(pool: LocalPool) -> None:
    pool.submit("pid", os.getpid)
    pool.submit("death", os._exit, 3)
    outcomes = collect(pool, 2)
    assert outcomes["death"].lost is not None
    assert "died" in outcomes["death"].lost

    pool.submit("pid again", os.getpid)
    victim = collect(pool, 1)["pid again"].value
    pool.submit("killed", os.kill, victim, signal.SIGKILL)
    pool.submit("later", time.sleep, 0.1)
    outcomes = collect(pool, 2)
    wait_until(lambda: pool.live_workers == 2)
    pool.submit("alive", math.sqrt, 9)
    assert collect(pool, 1)["alive"].value == 3.0


def test_a_task_has_one_outcome_however_many_results_come(pool: LocalPool) -> None:
    pool.submit("once", time.sleep, 0.3)
    attempt = pool._running["once"].number
    pool._ended.put((attempt - 1, Outcome("once", "late, of an earlier attempt")))
    assert collect(pool, 1)["once"].value is None
    pool._ended.put((attempt, Outcome("once", "a second one")))
    assert pool.next_outcomes(0.1) == []
    assert pool.in_flight == 0


def test_a_frozen_worker_is_waited_for_and_reported(
    pool: LocalPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert pool.status == ""
    monkeypatch.setattr("oneshot_hpo.cluster.own_pool.SILENT_SECONDS", 5.0)
    pool.submit("pid", os.getpid)
    worker = psutil.Process(collect(pool, 1)["pid"].value)
    worker.suspend()
    try:
        pool.submit("one", time.sleep, 0.1)
        pool.submit("two", time.sleep, 0.1)
        silent = "2 alive, 1 of them silent since "
        wait_until(lambda: pool.status.startswith(silent))
        assert pool.running <= 1
    finally:
        worker.resume()
    outcomes = collect(pool, 2)
    assert all(outcome.lost is None for outcome in outcomes.values())
    wait_until(lambda: pool.silent_workers == 0)


def test_a_dead_workers_last_lines_come_with_the_loss(pool: LocalPool) -> None:
    # The shell's parent is the worker.
    pool.submit("last words", os.system, "echo the end; kill -9 $PPID")
    assert "the end" in collect(pool, 1)["last words"].log.splitlines()


def test_workers_never_receive_an_interrupt(pool: LocalPool) -> None:
    pool.submit("blocked", signal.pthread_sigmask, signal.SIG_BLOCK, [])
    assert signal.SIGINT in collect(pool, 1)["blocked"].value
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])

    pool.submit("pid", os.getpid)
    worker = collect(pool, 1)["pid"].value
    pool.submit("interrupted", os.kill, worker, signal.SIGINT)
    outcome = collect(pool, 1)["interrupted"]
    assert outcome.error is None
    assert outcome.lost is None


def test_closing_ends_busy_workers_quietly(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with LocalPool(workers=2, threads=1, scratch=tmp_path) as pool:
        pool.submit("pid", os.getpid)
        worker = collect(pool, 1)["pid"].value
        for number in range(2):
            pool.submit(f"long {number}", time.sleep, 2 * HANG_SECONDS)
        pool.submit("waits", time.sleep, 2 * HANG_SECONDS)
        wait_until(lambda: pool.running == 2)
    assert not psutil.pid_exists(worker)
    assert capfd.readouterr() == ("", "")
    assert f"process {worker}" in "".join(p.read_text() for p in tmp_path.glob("worker-*.log"))


def test_a_task_that_gives_up_its_worker_is_lost_and_the_worker_stays(pool: LocalPool) -> None:
    pool.submit("given up", given_up)
    outcome = collect(pool, 1)["given up"]
    assert outcome.worker is not None
    assert outcome.lost == f"the GPU is taken (on worker {outcome.worker.name})"
    assert outcome.left
    assert not outcome.taken
    assert outcome.worker in pool._alive()


def test_tasks_may_save_while_the_pool_closes(tmp_path: Path) -> None:
    begun, saved = tmp_path / "begun", tmp_path / "saved"
    with LocalPool(
        workers=1, threads=1, scratch=tmp_path / "logs", save_seconds=HANG_SECONDS
    ) as pool:
        pool.submit("long", saved_when_asked, str(begun), str(saved), 2 * HANG_SECONDS)
        wait_until(begun.exists)
    assert saved.exists()


def test_the_output_of_a_task_goes_into_a_log(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with LocalPool(workers=1, threads=1, scratch=tmp_path) as pool:
        pool.submit("loud", os.system, "echo on a worker")
        collect(pool, 1)
    assert capfd.readouterr() == ("", "")
    assert "on a worker" in (tmp_path / "worker-0.log").read_text()


MASTER = """
import os, sys, time
from pathlib import Path
from oneshot_hpo.cluster.local import LocalPool

if __name__ == "__main__":
    with LocalPool(workers=2, threads=1, scratch=Path(sys.argv[1])) as pool:
        pool.submit("pid", os.getpid)
        while not (outcomes := pool.next_outcomes(1)):
            pass
        pool.submit("busy 0", time.sleep, 3600)
        pool.submit("busy 1", time.sleep, 3600)
        print(outcomes[0].value, flush=True)
        time.sleep(3600)
"""


def test_workers_end_with_a_master_that_is_killed(tmp_path: Path) -> None:
    (tmp_path / "master.py").write_text(MASTER)
    command = [sys.executable, str(tmp_path / "master.py"), str(tmp_path)]
    with running(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as master:
        assert master.stdout is not None
        assert int(master.stdout.readline())
        workers = psutil.Process(master.pid).children(recursive=True)
        assert len(workers) >= 2
        master.kill()
        wait_for_end(workers)


def test_a_failed_task_runs_on_another_worker_and_a_failing_worker_is_retired(
    tmp_path: Path,
) -> None:
    with LocalPool(workers=2, threads=1, gpus=["a", "b"], scratch=tmp_path) as pool:
        pool.submit("x", failing)
        first = collect(pool, 1)["x"]
        assert first.failed == "RuntimeError: a device"
        assert first.worker is not None
        for _ in range(3):
            pool.submit("x", where, avoid=[first.worker])
            assert collect(pool, 1)["x"].value[0] != first.worker.name

        retired = pool.retire(first.worker)
        assert retired is not None
        assert retired.place == f"GPU {'ab'[int(first.worker.name)]}"
        wait_until(lambda: pool.live_workers == 1)
        pool.submit("y", where)
        name, process = collect(pool, 1)["y"].value
        assert name != first.worker.name

        # The last worker stays; its failed task runs in a new process of it.
        pool.submit("y", failing)
        last = collect(pool, 1)["y"].worker
        assert last is not None
        assert pool.retire(last) is None
        pool.submit("y", where, avoid=[last])
        again = collect(pool, 1)["y"].value
        assert again[0] == name
        assert again[1] != process


def test_a_hanging_task_fails_and_its_worker_is_replaced(tmp_path: Path) -> None:
    with LocalPool(workers=1, threads=1, scratch=tmp_path) as pool:
        pool.submit("x", time.sleep, 10_000)
        wait_until(lambda: "x" in pool.busy_seconds)
        pool.give_up("x", "too long")
        assert collect(pool, 1)["x"].failed == "too long"
        pool.submit("x", math.sqrt, 4)
        assert collect(pool, 1)["x"].value == 2.0
