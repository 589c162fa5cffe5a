"""Lives of processes that work on files of a study, each begun anew from a warmed-up process.

A life ends by itself, by the fault injected into it, or after LIFE_SECONDS.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from oneshot_hpo.experiments.benchmarks.survival.interception import Fault, Interception, Operation
from oneshot_hpo.experiments.cli.exit_codes import STOPPED, USER_ERROR

LIFE_SECONDS = 1200.0
"""It only ends a life that hangs."""


@dataclass(frozen=True)
class Life:
    """The outcome of a process."""

    code: int
    """Its exit code; -9 if it was killed."""
    complaint: str
    """Its standard error."""
    operations: list[Operation]
    """Its changes of files; empty for a killed one, which cannot report them."""

    @property
    def unclear(self) -> str:
        """What is wrong with its end: it must be silent success, or one line of error."""
        if self.code == 0:
            return ""  # the fault hit nothing that matters; the outcome must show it
        if self.code not in (STOPPED, USER_ERROR):
            return f"ended with code {self.code}: {self.complaint}"
        lines = self.complaint.splitlines()
        if len(lines) != 1 or not lines[0].startswith("error: "):
            return f"not one clear line: {self.complaint!r}"
        return ""


class Lives:
    """Begins lives in processes forked from one that has imported everything."""

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["oneshot_hpo.experiments.benchmarks.survival.warm"])

    def live(
        self,
        folder: Path,
        deed: Callable[..., int | None],
        *args: object,
        fault: Fault | None = None,
    ) -> Life:
        """deed(*args) in a new process whose changes to `folder` are seen, with a fault.

        deed: a function of a module; what it returns is the exit code.
        """
        log, seen = self._scratch / "stderr", self._scratch / "operations"
        seen.unlink(missing_ok=True)
        process = self._context.Process(target=_live, args=(folder, fault, log, seen, deed, args))
        process.start()
        process.join(LIFE_SECONDS)
        if process.is_alive():
            process.kill()
            process.join()
            return Life(124, f"it did not end within {LIFE_SECONDS:.0f} s\n", [])
        operations = json.loads(seen.read_text()) if seen.exists() else []
        assert process.exitcode is not None
        complaint = log.read_text(errors="replace")
        return Life(process.exitcode, complaint, [Operation(*each) for each in operations])


def _live(
    folder: Path,
    fault: Fault | None,
    log: Path,
    seen: Path,
    deed: Callable[..., int | None],
    args: tuple[object, ...],
) -> None:
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(descriptor, 2)

    interception = Interception(folder, fault)
    interception.install()
    try:
        code = deed(*args) or 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0
    except BaseException:
        traceback.print_exc()
        code = 70

    sys.stderr.flush()
    interception.stop()
    seen.write_text(json.dumps(interception.operations))
    os._exit(code)
