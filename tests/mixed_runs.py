"""The tests on machines other than the author's: three runs that mix what a machine may be.

    python tests/mixed_runs.py plain    # one thread, no vector instructions, a random order
    python tests/mixed_runs.py space    # AVX2, another hash seed, a space in the checkout's path
    python tests/mixed_runs.py user     # a plain user, another random order
    python tests/mixed_runs.py loaded   # twice in a row beside three busy processes a core

Each has a home, a folder for temporary files and a copy of the checkout of its own. What follows
after `--` is for pytest. The exit code is 0 if every test passes and nothing is left: no process,
SLURM job or file. `user` needs root.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import pwd
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from leftovers_of_runs import MARK, content, files_left, processes_left
from numpy._core._multiarray_umath import __cpu_dispatch__, __cpu_features__

ROOT = Path(__file__).resolve().parents[1]
BUSY_PER_CORE = 3


@dataclass(frozen=True)
class Mix:
    """What a run has that others have not. seeds: of its orders, one a round; None: as written."""

    seeds: tuple[int | None, ...]
    environment: dict[str, str] = field(default_factory=dict)
    checkout: str = "checkout"
    as_user: bool = False
    is_loaded: bool = False


_PLAIN = {
    "OMP_NUM_THREADS": "1",
    "ATEN_CPU_CAPABILITY": "default",
    "OPENBLAS_CORETYPE": "Prescott",
    "NPY_DISABLE_CPU_FEATURES": " ".join(
        name for name in __cpu_dispatch__ if __cpu_features__.get(name)
    ),
}
"""One thread, and of the processor's vector instructions only what all have: torch, BLAS, NumPy."""
MIXES = {
    "plain": Mix((1,), _PLAIN),
    "space": Mix(
        (None,), {"ATEN_CPU_CAPABILITY": "avx2", "PYTHONHASHSEED": "4711"}, "a checkout of mine"
    ),
    "user": Mix((2,), as_user=True),
    "loaded": Mix((3, 4), is_loaded=True),
}


class Place:
    """A copy of this checkout, an environment that runs it, and the folders of a user, all new."""

    def __init__(self, root: Path, checkout: str) -> None:
        self.checkout, self.home, self.temporary = root / checkout, root / "home", root / "tmp"
        root.chmod(0o755)  # munge wants to know that others get at its socket
        for folder in (self.home, self.temporary):
            folder.mkdir()
        listed = ("git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others")
        names = subprocess.check_output((*listed, "--exclude-standard"), text=True)
        for name in filter(None, names.split("\0")):
            if (ROOT / name).is_file() or (ROOT / name).is_symlink():
                (self.checkout / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, self.checkout / name, follow_symlinks=False)
        self.python = self._environment()

    def _environment(self) -> Path:
        """Packages of this interpreter's environment, but this project from the copy."""
        folder = self.checkout / ".venv"
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
        (packages,) = folder.glob("lib/python*/site-packages")
        installed = [path for path in sys.path if path.endswith("site-packages")]
        (packages / "here.pth").write_text("\n".join((str(self.checkout), *installed)) + "\n")
        for program in Path(sys.executable).parent.iterdir():
            if not (folder / "bin" / program.name).exists():
                (folder / "bin" / program.name).symlink_to(program)
        return folder / "bin" / "python"

    def give_to(self, user: pwd.struct_passwd) -> None:
        """Let all of it be another user's."""
        root = self.home.parent
        for path in (root, *root.rglob("*")):
            os.chown(path, user.pw_uid, user.pw_gid, follow_symlinks=False)


@contextlib.contextmanager
def load() -> Iterator[None]:
    """BUSY_PER_CORE processes a core that compute for as long as this lasts."""
    words = [sys.executable, "-c", "while True: pass"]
    busy = [subprocess.Popen(words) for _ in range(BUSY_PER_CORE * (os.cpu_count() or 1))]
    try:
        yield
    finally:
        for process in busy:
            process.kill()
            process.wait()


def as_user(words: Sequence[str], user: pwd.struct_passwd, scratch: Path) -> list[str]:
    """A command as another user, who also gets at an interpreter that lies in root's home.

    That is mounted anew for this command alone, with nothing in it but the interpreter.
    """
    ids = (f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups")
    command = ["setpriv", *ids, "--", *words]
    prefix = Path(sys.base_prefix)
    closed = [path for path in reversed(prefix.parents) if not path.stat().st_mode & 0o001]
    if not closed:
        return command
    kept = scratch / "interpreter"
    kept.mkdir()
    steps = (
        ("mount", "--bind", str(prefix), str(kept)),
        ("mount", "-t", "tmpfs", "-o", "mode=755", "none", str(closed[0])),
        ("mkdir", "-p", str(prefix)),
        ("mount", "--bind", str(kept), str(prefix)),
        ("exec", *command),
    )
    script = " && ".join(map(shlex.join, steps))
    return ["unshare", "--mount", "sh", "-c", script]


def tested(place: Place, mix: Mix, seed: int | None, words: Sequence[str], user: str) -> bool:
    """Run the tests once; whether they pass and leave nothing."""
    run, started = uuid.uuid4().hex, time.monotonic()
    before = content(place.checkout)
    environment = os.environ | mix.environment
    environment |= {"HOME": str(place.home), "TMPDIR": str(place.temporary), MARK: run}
    command = [str(place.python), "-m", "pytest", f"--basetemp={place.temporary}/pytest", *words]
    if seed is not None:
        command.append(f"--shuffle={seed}")
    if mix.as_user:
        entry = pwd.getpwnam(user)
        place.give_to(entry)
        environment |= {"USER": user, "LOGNAME": user}
        command = as_user(command, entry, place.home.parent)

    try:
        code = subprocess.run(command, cwd=place.checkout, env=environment).returncode
    except BaseException:  # this run is stopped: nothing of it goes on
        processes_left(run, seconds=0)
        raise
    left = processes_left(run)
    left += files_left(place.checkout, before, place.home, place.temporary)
    minutes = (time.monotonic() - started) / 60
    print(f"pytest ended with {code} after {minutes:.1f} minutes", flush=True)
    for each in left:
        print(f"left behind: {each}")
    return code == 0 and not left


def main() -> int:
    """Make the runs of one mix, each in a place of its own."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("mix", choices=MIXES)
    parser.add_argument("--user", default="nobody", help="who runs the tests of `user`")
    parser.add_argument("words", nargs="*", help="for pytest, after --")
    arguments = parser.parse_args()
    mix = MIXES[arguments.mix]
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that what was started is ended

    passed = True
    with load() if mix.is_loaded else contextlib.nullcontext():
        for seed in mix.seeds:
            # Short, for a socket's path may have 107 characters.
            with tempfile.TemporaryDirectory(prefix="mix-", ignore_cleanup_errors=True) as name:
                place = Place(Path(name), mix.checkout)
                passed &= tested(place, mix, seed, arguments.words, arguments.user)
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
