"""A real SLURM on this machine that a test session starts and throws away.

Two nodes of four CPUs and two fake GPUs each, one slurmd a node. Nothing outside its folder is
touched, there is no systemd and there are no cgroups: it runs as root or as an ordinary user.

    PYTHONPATH=tests python -m support.throwaway_slurm COMMAND...     # runs a command that finds it
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psutil
from support.waiting import HANG_SECONDS

NODES = ("n1", "n2")
GPU_FILES = ("/dev/null", "/dev/zero")
"""GPUs have to be character devices, else slurmd drops them; these exist everywhere."""

_PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scancel", "scontrol", "sinfo")
_SYSTEM_FOLDERS = ("/usr/sbin", "/sbin")

_CONFIGURATION = """
ClusterName=throwaway
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={control_port}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={root}/munge.socket,cred_expire=5
StateSaveLocation={root}/state
SlurmdSpoolDir={root}/spool-%n
SlurmctldPidFile={root}/slurmctld.pid
SlurmdPidFile={root}/slurmd-%n.pid
SlurmctldLogFile={root}/slurmctld.log
SlurmdLogFile={root}/slurmd-%n.log
ProctrackType=proctrack/pgid
TaskPlugin=task/none
MpiDefault=none
ReturnToService=2
SlurmdParameters=config_overrides
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
DefMemPerCPU=500
SchedulerParameters=batch_sched_delay=0,sched_interval=1,bf_interval=1
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
KillWait=5
MinJobAge=3600
SlurmdTimeout=20
GresTypes=gpu
NodeName={nodes} NodeHostname={host} NodeAddr=127.0.0.1 Port={ports} CPUs=4 RealMemory=8000 \
Gres=gpu:fake:{gpus} State=UNKNOWN
PartitionName=gpu Nodes=ALL Default=YES PriorityTier=10 MaxTime=01:00:00 DefaultTime=00:10:00
PartitionName=spare Nodes=ALL PriorityTier=1 MaxTime=01:00:00 DefaultTime=00:10:00
PartitionName=urgent Nodes=ALL PriorityTier=99 MaxTime=01:00:00 DefaultTime=00:10:00
"""


def missing_programs() -> list[str]:
    """Programs that SLURM needs and this machine lacks."""
    return [name for name in _PROGRAMS if _program(name) is None]


class ThrowawaySlurm:
    """A SLURM between `start` and `stop`; SLURM's commands find it through `environment`."""

    def __init__(self) -> None:
        # Not a test's temporary folder, whose path is too long for munge's socket.
        self.root = Path(tempfile.mkdtemp(prefix="slurm-"))
        self.root.chmod(0o755)
        self.environment = {"SLURM_CONF": str(self.root / "slurm.conf")}
        self._before = 0  # the last job of earlier tests

    def start(self) -> None:
        """Start munge, the controller and both nodes; returns once the nodes are idle."""
        ports = _free_ports(1 + len(NODES))
        (self.root / "state").mkdir()
        for node in NODES:
            (self.root / f"spool-{node}").mkdir()

        (self.root / "slurm.conf").write_text(
            _CONFIGURATION.format(
                root=self.root,
                host=socket.gethostname().split(".")[0],
                user=psutil.Process().username(),
                control_port=ports[0],
                nodes=",".join(NODES),
                ports=",".join(map(str, ports[1:])),
                gpus=len(GPU_FILES),
            )
        )
        gpus = [f"NodeName={','.join(NODES)} Name=gpu Type=fake File={f}" for f in GPU_FILES]
        (self.root / "gres.conf").write_text("\n".join(gpus) + "\n")

        key = self.root / "munge.key"
        key.touch(mode=0o600)
        key.write_bytes(os.urandom(128))

        self._start_munge()
        self.start_controller()
        for node in NODES:
            self.start_node(node)
        self._wait_for_idle_nodes()

    def stop(self) -> None:
        """End every job and daemon, and remove the folder."""
        # Again until nothing is left: a daemon may start a process while it is being killed.
        while mine := [process for process in psutil.process_iter() if self._is_mine(process)]:
            for process in mine:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
            psutil.wait_procs(mine, timeout=HANG_SECONDS)
        shutil.rmtree(self.root, ignore_errors=True)

    def start_controller(self) -> None:
        """Start slurmctld, which loads its saved state."""
        self._start("slurmctld")
        self._wait_for("slurmctld", lambda: "is UP" in self.command("scontrol", "ping"))

    def start_node(self, node: str) -> None:
        """Start the slurmd of a node."""
        self._start("slurmd", "-N", node)

    def kill(self, daemon: str) -> None:
        """Kill -9 a daemon: "slurmctld", "slurmd-n1" or "slurmd-n2"."""
        process = psutil.Process(int((self.root / f"{daemon}.pid").read_text()))
        process.kill()
        process.wait(HANG_SECONDS)

    def command(self, *words: str) -> str:
        """Standard output of one of SLURM's commands, empty if it fails."""
        environment = os.environ | self.environment
        return subprocess.run(
            words, env=environment, capture_output=True, text=True, timeout=HANG_SECONDS
        ).stdout

    def jobs(self, *options: str) -> list[tuple[str, str, str]]:
        """(id, state, name) of the jobs in the queue since the last `clear`."""
        output = self.command("squeue", "-h", "-r", *options, "-o", "%A|%i|%T|%j")
        lines = [line.split("|") for line in output.splitlines()]
        return [tuple(words) for job, *words in lines if int(job) > self._before]  # type: ignore[misc]

    def clear(self) -> None:
        """End every job; returns when the nodes are idle. `jobs` lists later jobs only."""
        self.command("scancel", f"--user={psutil.Process().username()}")
        self._wait_for_idle_nodes()
        jobs = self.command("squeue", "-h", "--states=all", "-o", "%A").split()
        self._before = max(map(int, jobs), default=0)

    def preempt(self) -> None:
        """Submit a job that takes every GPU; returns when a job was preempted for it.

        That is one of the partition "spare".
        """
        words = ["--partition=urgent", f"--nodes={len(NODES)}", f"--gres=gpu:{len(GPU_FILES)}"]
        words += ["--job-name=urgent", "--output=/dev/null", "--wrap=exec sleep 3000"]
        self.command("sbatch", *words)
        self._wait_for("preemption", lambda: bool(self.jobs("--states=PREEMPTED")))

    def end_preemption(self) -> None:
        """Release the GPUs."""
        self.command("scancel", "--name=urgent")

    def wait_for_saved_state(self) -> None:
        """Wait until the controller has saved its current state, as it does every few seconds.

        One that is killed before that has forgotten the jobs when it comes back.
        """
        (job, *_), *_ = self.jobs("--states=RUNNING")
        word = f"saved {time.monotonic_ns()}"
        self.command("scontrol", "update", f"JobId={job}", f"Comment={word}")
        saved = self.root / "state" / "job_state"
        self._wait_for("saved state", lambda: word.encode() in saved.read_bytes())

    def processes(self, job: str | None = None) -> list[psutil.Process]:
        """Processes of a running job, or of all, that run Python."""
        running = {name for name, _, _ in self.jobs("--states=RUNNING")}
        found = []
        for process in psutil.process_iter(["name"]):
            try:
                environment = process.environ()
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue
            if environment.get("SLURM_CONF") != self.environment["SLURM_CONF"]:
                continue
            own = environment.get("SLURM_ARRAY_JOB_ID"), environment.get("SLURM_ARRAY_TASK_ID")
            name = "_".join(map(str, own))
            if name in running and job in (None, name) and "python" in process.info["name"]:
                found.append(process)
        return found

    def _start_munge(self) -> None:
        options = [f"--key-file={self.root}/munge.key", f"--socket={self.root}/munge.socket"]
        options += [f"--pid-file={self.root}/munged.pid", f"--log-file={self.root}/munged.log"]
        self._start("munged", *options, f"--seed-file={self.root}/munged.seed")

    def _start(self, program: str, *options: str) -> None:
        """Start a daemon, which leaves this process's children at once."""
        with (self.root / "start.log").open("ab") as log:
            subprocess.run(
                [_program(program) or program, *options],
                env=os.environ | self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                check=True,
            )

    def _wait_for_idle_nodes(self) -> None:
        idle = ("sinfo", "-hN", "-t", "idle", "-p", "gpu")
        self._wait_for("idle nodes", lambda: self.command(*idle).count("\n") == len(NODES))

    def _wait_for(self, what: str, done: Callable[[], bool]) -> None:
        deadline = time.monotonic() + HANG_SECONDS
        while not done():
            if time.monotonic() > deadline:
                logs = {path.name: path.read_text()[-600:] for path in self.root.glob("*.log")}
                raise RuntimeError(f"no {what} after {HANG_SECONDS:.0f} s: {logs}")
            time.sleep(0.1)

    def _is_mine(self, process: psutil.Process) -> bool:
        try:
            return (
                str(self.root) in " ".join(process.cmdline())
                or process.cwd().startswith(str(self.root))  # slurmstepd shows nothing else
                or process.environ().get("SLURM_CONF") == self.environment["SLURM_CONF"]
            ) and process.pid != os.getpid()
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            return False


def _program(name: str) -> str | None:
    return shutil.which(name, path=os.pathsep.join((os.environ["PATH"], *_SYSTEM_FOLDERS)))


def _free_ports(number: int) -> list[int]:
    sockets = [socket.socket() for _ in range(number)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def main() -> int:
    """Run a command with a throw-away SLURM."""
    slurm = ThrowawaySlurm()
    try:
        slurm.start()
        return subprocess.run(sys.argv[1:], env=os.environ | slurm.environment).returncode
    finally:
        slurm.stop()


if __name__ == "__main__":
    sys.exit(main())
