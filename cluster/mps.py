"""NVIDIA's multi-process service (MPS): several processes compute on one GPU at the same time.

Without it a GPU gives each process its turn. The service is a daemon of the driver; its clients
find it by variables. It is started and ended by a process of its own, which waits for the end of
the one that wanted it: nothing is left, also after a kill.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from oneshot_hpo.cluster.environment import clean
from oneshot_hpo.cluster.errors import ClusterError
from oneshot_hpo.cluster.mps_keeper import READY

_PROGRAM = "nvidia-cuda-mps-control"
_FOLDERS = ("/usr/local/nvidia/bin", "/usr/local/cuda/bin", "/opt/nvidia/bin")
_PIPES = "CUDA_MPS_PIPE_DIRECTORY"
_VISIBLE = "CUDA_VISIBLE_DEVICES"
_LONGEST_PIPE = "/control_privileged"
_SOCKET_BYTES = 107
"""The longest path of a socket on Linux."""
_KEEPER = Path(__file__).with_name("mps_keeper.py")


class NoSharedGpu(ClusterError, RuntimeError):
    """The service is not installed or does not start; the message says which."""


def mps_program() -> str | None:
    """The path of the service's control program, None if it is not installed."""
    return shutil.which(_PROGRAM) or shutil.which(_PROGRAM, path=os.pathsep.join(_FOLDERS))


@contextlib.contextmanager
def multi_process_service(folder: Path) -> Iterator[dict[str, str]]:
    """Run the service within the context; yields the variables that its clients need.

    folder: for its pipes and logs; created. If the user's environment names a service that runs
    already, that one is used.

    Raises NoSharedGpu.
    """
    if _PIPES in os.environ:
        yield {}
        return
    program = mps_program()
    if program is None:
        raise NoSharedGpu(
            f"there is no {_PROGRAM} here: NVIDIA's driver brings it, and without it the "
            "workers of a GPU can only take turns"
        )

    if len(os.fsencode(folder)) + len(_LONGEST_PIPE) > _SOCKET_BYTES:
        raise NoSharedGpu(f"{folder} is too long for its pipes: set TMPDIR to a shorter path")

    variables = {_PIPES: str(folder), "CUDA_MPS_LOG_DIRECTORY": str(folder)}
    folder.mkdir(mode=0o700)
    environment = {**clean(os.environ), **variables}
    # With it, the daemon numbers the GPUs anew, and its clients' numbers would mean others.
    environment.pop(_VISIBLE, None)
    log = folder / "start.log"
    keeper = subprocess.Popen(
        [sys.executable, "-P", str(_KEEPER), program, str(log)],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,  # Ctrl-C is for the caller, whose clients end first
    )
    with keeper:  # closes the pipes and waits
        assert keeper.stdout is not None
        if keeper.stdout.readline() != READY:
            said = log.read_text(errors="replace").strip() if log.exists() else ""
            raise NoSharedGpu(f"{program} does not start: {said or 'it says nothing'}")
        yield variables
