"""`oneshot-hpo data import`, also stopped and on a full disk, and the names that it leaves."""

import resource
import signal
import subprocess
import sys
from pathlib import Path

from support import processes
from support.study_commands import called, command
from support.waiting import HANG_SECONDS

_PAUSED = """
import sys
from pathlib import Path
from oneshot_hpo.experiments.data.importing import import_data, open_data_folder

def pause(done, total):
    if done > total / 2:
        print("halfway", flush=True)
        sys.stdin.read()

with open_data_folder() as folder:
    import_data(Path(sys.argv[1]), folder, replace=True, on_progress=pause)
"""


def imported(*arguments: object) -> str:
    """Standard output of an import that succeeds without a warning."""
    ended = called("data", "import", *arguments)
    assert ended.returncode == 0 and ended.stderr == "", ended.stderr
    return ended.stdout


def refused(*arguments: object) -> str:
    """The one line on standard error of an import that is refused; its output may have begun."""
    ended = called("data", "import", *arguments)
    assert ended.returncode == 2, ended
    (line,) = ended.stderr.splitlines()
    assert line.startswith("error: ")
    return line


def names(folder: Path) -> list[str]:
    """What is in the data folder, but for its lock."""
    return sorted(path.name for path in folder.iterdir() if path.name != ".lock")


def stop_halfway(source: Path, stop: signal.Signals) -> None:
    """Import in another process, and send it a signal once half is read."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with processes.running([sys.executable, "-c", _PAUSED, source], **pipes) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "halfway\n"
        child.send_signal(stop)
        child.wait(HANG_SECONDS)


def refused_by_a_full_disk(source: Path, size: int) -> None:
    """Import in a process whose files can have `size` bytes at most: one line, exit code 1."""

    def small_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    ended = processes.run(command("data", "import", source), preexec_fn=small_files)
    assert ended.returncode == 1
    (line,) = ended.stderr.splitlines()
    assert line.startswith("error: ") and "File too large; nothing was imported" in line
