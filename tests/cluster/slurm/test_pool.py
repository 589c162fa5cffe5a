"""Workers that are jobs of a real SLURM."""

import os
import signal
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import distributed
import psutil
import pytest
from support.slurm_pools import opened
from support.throwaway_slurm import ThrowawaySlurm
from support.waiting import HANG_SECONDS, wait_until
from support.worker_tasks import begun, deaf, failing, until_asked

from oneshot_hpo.cluster.errors import PoolError
from oneshot_hpo.cluster.outcome import Outcome
from oneshot_hpo.cluster.pool import DaskPool
from oneshot_hpo.cluster.slurm.contact import contact_folder
from oneshot_hpo.cluster.slurm.pool import SlurmPool

pytestmark = pytest.mark.slow

REFUSED_SECONDS = 2
"""How long a client without the key tries to connect; it must never succeed."""


def collect(pool: DaskPool, number: int) -> dict[str, Outcome]:
    """The next `number` outcomes, by key."""
    outcomes: dict[str, Outcome] = {}

    def are_there() -> bool:
        pool.check()
        outcomes.update({outcome.key: outcome for outcome in pool.next_outcomes(0.2)})
        return len(outcomes) >= number

    wait_until(are_there)
    return outcomes


@pytest.fixture
def pool(slurm: ThrowawaySlurm, tmp_path: Path) -> Iterator[SlurmPool]:
    with opened(tmp_path, workers=3) as pool:
        yield pool


def test_each_worker_has_a_gpu_of_its_own(pool: SlurmPool, slurm: ThrowawaySlurm) -> None:
    wait_until(lambda: pool.live_workers == 3)
    seen = []
    for process in slurm.processes():
        environment = process.environ()
        seen.append((environment["SLURMD_NODENAME"], environment["CUDA_VISIBLE_DEVICES"]))
    assert len(seen) == len(set(seen)) == 3
    assert {gpu for _, gpu in seen} <= {"0", "1"}
    assert {node for node, _ in seen} == {"n1", "n2"}


def test_a_worker_stops_its_task_on_request_and_is_replaced(
    pool: SlurmPool, slurm: ThrowawaySlurm, tmp_path: Path
) -> None:
    wait_until(lambda: pool.live_workers == 3)
    pool.submit("long", begun, str(tmp_path / "begun"), 2 * HANG_SECONDS)
    wait_until((tmp_path / "begun").exists)
    ids = [job for job, _, _ in slurm.jobs("--states=RUNNING")]
    for job in ids:  # the signal before the time limit
        slurm.command("scancel", "--batch", "--signal=USR1", job)
    outcome = collect(pool, 1)["long"]
    assert outcome.lost == "asked to stop"
    assert outcome.taken
    wait_until(lambda: pool.live_workers == 3)
    pool.submit("short", until_asked, 0.1)
    assert collect(pool, 1)["short"].value == "done"
    assert slurm.jobs("--states=COMPLETED")


def test_the_task_of_a_cancelled_job_is_not_blamed(
    pool: SlurmPool, slurm: ThrowawaySlurm, tmp_path: Path
) -> None:
    wait_until(lambda: pool.live_workers == 3)
    pool.submit("deaf", deaf, str(tmp_path / "begun"), 2 * HANG_SECONDS)
    wait_until((tmp_path / "begun").exists)
    for job, _, _ in slurm.jobs():
        slurm.command("scancel", job)
    outcome = collect(pool, 1)["deaf"]
    assert outcome.taken
    assert outcome.lost == "its worker's job ended: CANCELLED"


def test_the_task_of_a_killed_worker_is(pool: SlurmPool) -> None:
    pool.submit("killed", os.kill, 0, signal.SIGKILL)  # its whole process group
    outcome = collect(pool, 1)["killed"]
    assert not outcome.taken
    assert outcome.lost == "its worker's job ended: FAILED"
    assert "working for tls://127.0.0.1:" in outcome.log
    pool.submit("next", time.sleep, 0)
    assert collect(pool, 1)["next"].error is None


def test_a_preempted_task_is_not_blamed(slurm: ThrowawaySlurm, tmp_path: Path) -> None:
    with opened(tmp_path, partition="spare") as pool:
        wait_until(lambda: pool.live_workers == 1)
        pool.submit("long", begun, str(tmp_path / "begun"), 2 * HANG_SECONDS)
        wait_until((tmp_path / "begun").exists)
        slurm.preempt()
        outcome = collect(pool, 1)["long"]
        assert outcome.taken
        slurm.end_preemption()
        pool.submit("again", until_asked, 0)
        assert collect(pool, 1)["again"].value == "done"


def test_the_queue_is_empty_after_the_pool(slurm: ThrowawaySlurm, tmp_path: Path) -> None:
    with opened(tmp_path, workers=7) as pool:  # three more than there are GPUs
        wait_until(lambda: pool.live_workers == 4)
        wait_until(lambda: len(slurm.jobs("--states=PENDING")) == 3)
        assert "3 waiting" in pool.status
    assert not slurm.jobs("--states=PENDING,RUNNING")


def test_no_more_than_max_pending_jobs_wait(slurm: ThrowawaySlurm, tmp_path: Path) -> None:
    with opened(tmp_path, workers=9, max_pending=2) as pool:
        wait_until(lambda: pool.live_workers == 4)
        wait_until(lambda: "2 waiting" in pool.status)
        assert len(slurm.jobs("--states=PENDING")) == 2


def test_the_next_master_takes_over_the_workers(slurm: ThrowawaySlurm, tmp_path: Path) -> None:
    pool = opened(tmp_path, workers=2)
    wait_until(lambda: pool.live_workers == 2)
    pool.submit("long", begun, str(tmp_path / "begun"), 2 * HANG_SECONDS)
    wait_until((tmp_path / "begun").exists)
    before = {process.pid for process in slurm.processes()}
    pool.hand_over()
    with opened(tmp_path, workers=1) as pool:
        wait_until(lambda: pool.live_workers == 1 and len(slurm.jobs("--states=RUNNING")) == 1)
        pool.submit("short", until_asked, 0)
        assert collect(pool, 1)["short"].value == "done"
        assert {process.pid for process in slurm.processes()} < before


def test_jobs_continue_without_a_controller_and_a_node(
    own_slurm: ThrowawaySlurm, tmp_path: Path
) -> None:
    with opened(tmp_path, workers=3) as pool:
        wait_until(lambda: pool.live_workers == 3)
        own_slurm.wait_for_saved_state()
        own_slurm.kill("slurmctld")
        own_slurm.kill("slurmd-n1")
        try:
            pool.submit("meanwhile", until_asked, 0.5)
            assert collect(pool, 1)["meanwhile"].value == "done"
            wait_until(lambda: "does not answer" in pool.status)
        finally:
            own_slurm.start_controller()
            own_slurm.start_node("n1")
        wait_until(lambda: "does not answer" not in pool.status)
        wait_until(lambda: pool.live_workers >= 3)
        pool.submit("afterwards", until_asked, 0)
        assert collect(pool, 1)["afterwards"].value == "done"


def test_a_failing_prologue_is_reported_with_its_output(
    slurm: ThrowawaySlurm, tmp_path: Path
) -> None:
    def failed() -> bool:
        try:
            pool.check()
        except PoolError as error:
            said.append(str(error))
        return bool(said)

    said: list[str] = []
    with opened(tmp_path, workers=2, prologue=["echo no such module", "false"]) as pool:
        wait_until(failed)
    assert "FAILED; the end of" in said[0]
    assert "no such module" in said[0]
    assert not slurm.jobs("--states=PENDING,RUNNING")


def test_a_failed_task_waits_for_a_worker_that_is_starting(
    slurm: ThrowawaySlurm, tmp_path: Path
) -> None:
    first, release = tmp_path / "first", tmp_path / "release"
    prologue = [f"mkdir {first} 2>/dev/null || while [ ! -e {release} ]; do sleep 0.2; done"]
    with opened(tmp_path, workers=2, prologue=prologue) as pool:
        pool.another_seconds = 0.0
        wait_until(lambda: pool.live_workers == 1)
        assert pool._keeper.starting >= 1  # also before the keeper has looked at the queue
        pool.submit("failing", failing)
        failed = collect(pool, 1)["failing"]
        assert failed.failed is not None
        assert failed.worker is not None
        wait_until(lambda: pool._keeper.starting == 1)
        pool.submit("again", until_asked, 0, avoid=[failed.worker])
        assert pool.running == 0
        release.touch()
        worker = collect(pool, 1)["again"].worker
        assert worker is not None
        assert worker.name != failed.worker.name


def test_a_log_folder_that_cannot_be_created_is_reported(
    slurm: ThrowawaySlurm, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(PoolError, match="file/logs cannot be used: Not a directory"):
        opened(tmp_path, log_folder=str(tmp_path / "file" / "logs"))


def test_a_client_without_the_key_gets_nothing(pool: SlurmPool, tmp_path: Path) -> None:
    wait_until(lambda: pool.live_workers == 3)
    address = pool.address
    assert address.startswith("tls://127.0.0.1:")
    host, _, port = address.removeprefix("tls://").rpartition(":")
    with pytest.raises(OSError):
        distributed.Client(f"tcp://{host}:{port}", timeout=REFUSED_SECONDS)
    other = distributed.Security.temporary()  # encrypts, but is not this study's
    with pytest.raises(OSError):
        distributed.Client(address, security=other, timeout=REFUSED_SECONDS)
    assert pool.live_workers == 3


def test_only_the_owner_can_read_the_contact_folder(pool: SlurmPool, tmp_path: Path) -> None:
    folder = contact_folder(tmp_path.name)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


def test_servers_listen_on_the_named_interface_only(pool: SlurmPool, slurm: ThrowawaySlurm) -> None:
    wait_until(lambda: pool.live_workers == 3)
    processes = [psutil.Process(), *slurm.processes()]
    assert len(processes) == 4
    listening = {
        connection.laddr.ip
        for process in processes
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    }
    assert listening == {"127.0.0.1"}
