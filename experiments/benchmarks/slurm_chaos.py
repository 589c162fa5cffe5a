"""A study on SLURM while something is killed every few seconds, until it is done.

    PYTHONPATH=tests python -m support.throwaway_slurm \\
        python -m oneshot_hpo.experiments.benchmarks.slurm_chaos \\
        STUDY --dir DIR [--minutes 10] [--seed 0] [options of oneshot-hpo launch]

For a throw-away SLURM on this machine only: it cancels jobs, sends them the signal of a time
limit, preempts them, kills workers, masters, slurmd and slurmctld with -9, and starts the last two
again. All the time it checks that no finished epoch is run again, and at the end the journal: every
evaluation recorded once, no decision that a replay does not make again, no job left.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import psutil

from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.experiments.study.pools import job_name
from oneshot_hpo.hpo import Study, read_study

SHORTEST, LONGEST = 3.0, 12.0
"""Seconds between two faults."""
CONTROLLER_SECONDS = 60.0
"""Seconds that slurmctld stays away."""


class Chaos:
    """One study, its master in a process of its own, and the faults injected into them."""

    def __init__(self, study: str, folder: Path, options: list[str], seed: int) -> None:
        self._folder = folder
        self._random = random.Random(seed)
        self._launch = [*_command("launch"), study, "--dir", str(folder), *options]
        self._master: subprocess.Popen[bytes] | None = None
        self._controller_back = 0.0
        self._epochs: dict[Path, str] = {}
        self.faults: Counter[str] = Counter()

    def run(self, seconds: float) -> None:
        """Inject faults for `seconds`, then let the study finish undisturbed."""
        end = time.monotonic() + seconds
        faults: list[Callable[[], str | None]] = [
            self._time_limit,
            self._cancel,
            self._preempt,
            self._kill_worker,
            self._kill_node,
            self._kill_controller,
            self._kill_master,
        ]

        while not self._finished():
            self._keep_master()
            if time.monotonic() < end:
                time.sleep(self._random.uniform(SHORTEST, LONGEST))
                if fault := self._random.choice(faults)():
                    self.faults[fault] += 1
                    print(f"{time.strftime('%H:%M:%S')} {fault}", flush=True)
            else:
                time.sleep(1)
            self._mend(at_end=time.monotonic() >= end)
            self._check_epochs()

        self._mend(at_end=True)
        if self._master is not None:
            self._master.wait(timeout=180)

    def check(self) -> dict[str, object]:
        """A summary of the journal; AssertionError if anything was lost or doubled."""
        Study.open(self._folder).close()  # a replay makes every decision again
        lines = (self._folder / "journal.jsonl").read_text().splitlines()
        events = [json.loads(line) for line in lines]
        recorded = [(*e["id"], e["budget"]) for e in events if e["event"] == "tell"]
        study = OpenedStudy(self._folder)
        name = job_name(study.spec.name, self._folder)
        left = _output("squeue", "-h", "-t", "PENDING,RUNNING", "-n", name)
        assert len(recorded) == len(set(recorded)) == study.view.total_evaluations
        assert not left, left
        crashes = [str(e["exception"]) for e in events if e.get("exception")]
        return {
            "evaluations": len(recorded),
            "epochs": sum(text.count("\n") for text in self._epochs.values()),
            "retries": sum(e["event"] == "retry" for e in events),
            "given up": sum("given up" in crash for crash in crashes),
            "blows": dict(self.faults),
        }

    def _finished(self) -> bool:
        try:
            return read_study(self._folder).finished
        except ValueError:
            return False

    def _keep_master(self) -> None:
        if self._master is None or self._master.poll() is not None:
            begun = (self._folder / "journal.jsonl").exists()
            command = [*_command("resume"), str(self._folder)] if begun else self._launch
            log = (self._folder.parent / f"{self._folder.name}.log").open("ab")
            with log:
                self._master = subprocess.Popen(command, stdout=log, stderr=log)

    def _check_epochs(self) -> None:
        """Records of epochs, which hold their times, stay as they were when they were written."""
        for path in (self._folder / "trials").rglob("metrics.jsonl"):
            text = path.read_text()
            assert text.startswith(self._epochs.get(path, "")), f"{path}: an epoch was run again"
            self._epochs[path] = text

    def _jobs(self) -> list[str]:
        return _output("squeue", "-h", "-r", "-t", "RUNNING", "-o", "%i").split()

    def _time_limit(self) -> str | None:
        jobs = self._jobs()
        if not jobs:
            return None
        _output("scancel", "--batch", "--signal=USR1", self._random.choice(jobs))
        return "time limit's signal"

    def _cancel(self) -> str | None:
        jobs = self._jobs()
        if not jobs:
            return None
        _output("scancel", self._random.choice(jobs))
        return "scancel"

    def _preempt(self) -> str | None:
        if not self._jobs():
            return None
        urgent = ["--partition=urgent", "--array=0-3", "--gres=gpu:1", "--output=/dev/null"]
        _output("sbatch", *urgent, "--job-name=urgent", "--wrap=sleep 3")
        return "preemption of all jobs"

    def _kill_worker(self) -> str | None:
        workers = _processes("oneshot_hpo.cluster.slurm.worker")
        return _killed(self._random.choice(workers), "worker") if workers else None

    def _kill_node(self) -> str | None:
        nodes = _processes("slurmd")
        return _killed(self._random.choice(nodes), "slurmd") if nodes else None

    def _kill_controller(self) -> str | None:
        controllers = _processes("slurmctld")
        if not controllers:
            return None
        self._controller_back = time.monotonic() + CONTROLLER_SECONDS
        return _killed(controllers[0], "slurmctld for a minute")

    def _kill_master(self) -> str | None:
        if self._master is None:
            return None
        self._master.kill()
        self._master.wait()
        return "kill -9 of the master"

    def _mend(self, *, at_end: bool) -> None:
        """Start SLURM's daemons again, as a site's service manager does."""
        if not _processes("slurmctld") and (at_end or time.monotonic() > self._controller_back):
            subprocess.run(["slurmctld"], check=True, env=_environment())
        running = [" ".join(process.cmdline()) for process in _processes("slurmd")]
        for node in ("n1", "n2"):
            if not any(line.endswith(f"-N {node}") for line in running):
                subprocess.run(["slurmd", "-N", node], check=True, env=_environment())


def _processes(name: str) -> list[psutil.Process]:
    """Processes of this SLURM alone that run a program or module."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            words = process.cmdline()
            ours = process.environ().get("SLURM_CONF") == os.environ["SLURM_CONF"]
            if ours and words and (Path(words[0]).name == name or name in words):
                found.append(process)
    return found


def _killed(process: psutil.Process, what: str) -> str:
    with contextlib.suppress(psutil.NoSuchProcess):
        process.send_signal(signal.SIGKILL)
    return f"kill -9 of a {what}"


def _command(name: str) -> list[str]:
    return [sys.executable, "-m", "oneshot_hpo.experiments.cli", name]


def _output(*words: str) -> str:
    return subprocess.run(words, capture_output=True, text=True, timeout=60).stdout


def _environment() -> dict[str, str]:
    return os.environ | {"PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin"}


def main() -> None:
    """Run the study under faults and print what it survived."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("study", help="a study file, or the name of a shipped study")
    parser.add_argument("--dir", type=Path, required=True, help="the study's new folder")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=0, help="of the faults and their times")
    arguments, options = parser.parse_known_args()
    os.environ["PATH"] = _environment()["PATH"]
    chaos = Chaos(arguments.study, arguments.dir.resolve(), options, arguments.seed)
    started = time.monotonic()
    chaos.run(60 * arguments.minutes)
    print(f"{(time.monotonic() - started) / 60:.1f} minutes")
    for what, value in chaos.check().items():
        print(f"{what}: {value}")


if __name__ == "__main__":
    main()
