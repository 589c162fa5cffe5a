"""Inputs at random, nearly right ones: each is read, or refused in a line; none does harm.

    python -m oneshot_hpo.experiments.benchmarks.survival inputs
    python -m oneshot_hpo.experiments.benchmarks.survival.inputs [READER ...]
        [--executions N] [--seed S]

Each reader runs in a process of its own with limits of memory and of seconds for one input. With
atheris installed (`pip install -c constraints.txt '.[fuzz]'`) libFuzzer guides the changes by the
code that an input reaches, for as many executions again. An input that broke something is kept in
the folder `broken-inputs`.
"""

from __future__ import annotations

import argparse
import json
import re
import resource
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from importlib.util import find_spec
from pathlib import Path
from random import Random
from types import FrameType

from oneshot_hpo.experiments.benchmarks.survival.reader import Broken, Reader
from oneshot_hpo.experiments.benchmarks.survival.rows import Group, Progress, Row, markdown

EXECUTIONS = 3000
"""Executions of each reader, times its weight."""
SECONDS = 120
"""For one input."""
MEMORY = 1 << 30
"""Bytes beside those that a process holds before its first input."""
_KEPT = Path("broken-inputs")
_CHECKED = "read and the same when written again, or refused in a line that names the file"


class Hang(BaseException):
    """An input took too long; no reader may take it for an error of its own."""


def readers() -> dict[str, Reader]:
    """All readers by name."""
    from oneshot_hpo.experiments.benchmarks.survival import (
        bundle_readers,
        data_readers,
        study_readers,
    )

    found = (*study_readers.READERS, *data_readers.READERS, *bundle_readers.READERS)
    return {reader.name: reader for reader in found}


def run(progress: Progress, executions: int = EXECUTIONS, seed: int = 0) -> list[Row]:
    """A row for each reader, and one for libFuzzer's executions where atheris is installed."""
    found = readers()
    rows = []
    guided = find_spec("atheris") is not None
    for place, (name, reader) in enumerate(found.items()):
        progress("inputs", place, len(found))
        count = max(1, round(executions * reader.weight))
        rows.append(_tried(name, count, seed))
        if guided:
            rows.append(_tried(name, count, seed, guided=True))
    progress("inputs", len(found), len(found))
    return rows


def _tried(name: str, count: int, seed: int, *, guided: bool = False) -> Row:
    """The row of one reader, tried in a process of its own."""
    module = "guided" if guided else "inputs"
    command = [
        sys.executable,
        "-m",
        f"oneshot_hpo.experiments.benchmarks.survival.{module}",
        "--one",
    ]
    command += ["--executions", str(count), "--seed", str(seed), "--", name]
    done = subprocess.run(command, capture_output=True, text=True)
    kind = f"input: {name}" + (", guided by coverage" if guided else "")

    if guided:
        ran = re.search(r"Done (\d+) in", done.stderr)
        tried = int(ran[1]) if ran else 1
        broken = [] if ran and done.returncode == 0 else done.stderr.strip().splitlines()[-1:]
        note = broken[0] if broken else _CHECKED
        return Row(Group.GUIDED, kind, tried, tried - len(broken), note)

    if done.returncode:
        last = (done.stderr.strip().splitlines() or [""])[-1]
        note = f"its process ended with {done.returncode}: {last}"
        return Row(Group.INPUTS, kind, count, 0, note)

    counts = json.loads(done.stdout.splitlines()[-1])
    note = counts["first"] or f"{_CHECKED}; {counts['accepted']:,} were read"
    return Row(Group.INPUTS, kind, count, count - counts["broken"], note)


def attempt(reader: Reader, content: bytes) -> bool:
    """Whether a reader takes an input, in a folder of its own. Raises Broken."""
    with tempfile.TemporaryDirectory(prefix="input-") as name:
        signal.setitimer(signal.ITIMER_REAL, SECONDS)
        try:
            return reader.accepts(content, Path(name))
        except Hang:
            raise Broken(f"{reader.name}: not done after {SECONDS} s") from None
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)


def confine() -> None:
    """Let this process take no more than MEMORY from now on, and no input too long."""
    held = int(Path("/proc/self/statm").read_text().split()[5]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_DATA, (held + MEMORY, resource.RLIM_INFINITY))
    signal.signal(signal.SIGALRM, _hang)


def keep(reader: Reader, content: bytes) -> None:
    """Keep an input that broke something."""
    _KEPT.mkdir(exist_ok=True)
    word = re.sub(r"\W+", "-", reader.name)
    (_KEPT / f"{word}-{len(list(_KEPT.iterdir()))}").write_bytes(content)


def try_reader(reader: Reader, executions: int, seed: int) -> dict[str, object]:
    """Counts of one reader's inputs: broken, accepted, and the first that broke, in words."""
    samples = reader.samples()
    counts: Counter[str] = Counter()
    first = ""
    confine()
    for content in samples:
        if not attempt(reader, content):
            raise Broken(f"{reader.name}: a whole input is refused")
    for number in range(executions):
        random = Random(f"{seed} {number}")
        content = reader.mutate(random.choice(samples), random)
        while random.random() < 0.3:
            content = reader.mutate(content, random)
        try:
            counts["accepted" if attempt(reader, content) else "refused"] += 1
        except Broken as error:
            counts["broken"] += 1
            first = first or " ".join(str(error).split())
            keep(reader, content)
    return {"accepted": counts["accepted"], "broken": counts["broken"], "first": first}


def _hang(number: int, frame: FrameType | None) -> None:
    raise Hang


def _silently(what: str, done: int, planned: int) -> None:
    """No progress."""


def main() -> int:
    """Try the readers that the command line names; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("readers", nargs="*", metavar="READER", help=", ".join(readers()))
    parser.add_argument("--executions", type=int, default=EXECUTIONS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        reader = readers()[arguments.readers[0]]
        print(json.dumps(try_reader(reader, arguments.executions, arguments.seed)))
        return 0
    names = arguments.readers or readers()
    rows = [_tried(name, arguments.executions, arguments.seed) for name in names]
    print(markdown(rows))
    return 0 if all(row.survived == row.tried for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
